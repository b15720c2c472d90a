/** What a function may ask of the host beyond the run itself, as nexus.yaml grants it; what is absent it may not. */
export interface Grants {
  /** A store of small values of its own. */
  readonly kv?: true;
  readonly fetch?: FetchGrant;
  /** Names of the secrets it may read. */
  readonly secrets?: readonly string[];
}

/** Which HTTP servers it may ask, and how much of them. */
export interface FetchGrant {
  /** `api.example.com`, `*.example.org` (and none above it), `api.example.com:8443`. */
  readonly allow: readonly string[];
  /** Also where their names lead to this machine or a private network. */
  readonly allowPrivate?: true;
  /** Of one request with its redirects. */
  readonly timeoutMs: number;
  /** Of an answer's body. */
  readonly responseBytes: number;
  /** In one run, redirects not counted. */
  readonly requests: number;
  /** Followed for one request; 0: the redirect is the answer. */
  readonly redirects: number;
}
