// What ingress-nginx makes of an Ingress, as its documentation of annotations and of its ConfigMap's defaults says, for
// an nginx without a cluster. Of the templates of its own, only what these annotations can reach is here.
import type { Manifest } from "./manifest.ts";

const PREFIX = "nginx.ingress.kubernetes.io/";

/** Other programs' annotations, which nginx never hears of. */
const FOR_OTHERS = /^cert-manager\.io\//;

/** `limit-burst-multiplier`, where no annotation says otherwise. */
const BURST_MULTIPLIER = 5;

/** What nginx stands on in place of a cluster's addresses, Services and Secrets. */
export interface NginxPlace {
  /** An empty folder of its own. */
  readonly folder: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Host and port of the one Service behind it. */
  readonly upstream: string;
  readonly certificate: string;
  readonly key: string;
}

interface IngressSpec {
  readonly tls?: readonly { readonly hosts?: readonly string[] }[];
  readonly rules: readonly {
    readonly host: string;
    readonly http: { readonly paths: readonly Path[] };
  }[];
}

interface Path {
  readonly path: string;
  readonly pathType: string;
}

/** The nginx.conf for this Ingress. Throws where it has an annotation that is not translated here. */
export function nginxConf(ingress: Manifest, place: NginxPlace): string {
  const { rules, tls = [] } = ingress.spec as IngressSpec;
  const [rule, ...others] = rules;
  const [path, ...otherPaths] = rule?.http.paths ?? [];
  if (path?.path !== "/" || path.pathType !== "Prefix" || others.length + otherPaths.length > 0) {
    throw new Error(
      "Cannot translate Ingress: one host whose every path has one backend, that is known here",
    );
  }
  const hasTls = tls.some(({ hosts = [] }) => hosts.includes(rule!.host));
  const settings = annotationsOf(ingress);
  const { zones, location } = directives(settings, hasTls);
  return `
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${place.folder}/nginx.pid;
error_log ${place.folder}/error.log notice;
events { worker_connections 1024; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path ${place.folder}/body;
  proxy_temp_path ${place.folder}/proxy;
  fastcgi_temp_path ${place.folder}/fastcgi;
  uwsgi_temp_path ${place.folder}/uwsgi;
  scgi_temp_path ${place.folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream backend { server ${place.upstream}; keepalive 320; }
  ${zones.join("\n  ")}
  server {
    server_name ${rule!.host};
    listen 127.0.0.1:${place.httpPort};
    listen 127.0.0.1:${place.httpsPort} ssl http2;
    ssl_certificate ${place.certificate};
    ssl_certificate_key ${place.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      ${[...DEFAULTS, ...location].join("\n      ")}
      proxy_pass http://backend;
    }
  }
  # Any other host gets nothing.
  server {
    listen 127.0.0.1:${place.httpPort} default_server;
    listen 127.0.0.1:${place.httpsPort} ssl http2 default_server;
    ssl_certificate ${place.certificate};
    ssl_certificate_key ${place.key};
    return 404;
  }
}
`;
}

// Defaults of the controller's ConfigMap that a request goes through. X-Forwarded-For is not the client's own
// (use-forwarded-headers is off), answers are not buffered (proxy-buffering), bodies of requests are.
const DEFAULTS = [
  "proxy_http_version 1.1;",
  "proxy_set_header Host $host;",
  "proxy_set_header Upgrade $http_upgrade;",
  "proxy_set_header Connection $connection_upgrade;",
  "proxy_set_header X-Request-ID $request_id;",
  "proxy_set_header X-Real-IP $remote_addr;",
  "proxy_set_header X-Forwarded-For $remote_addr;",
  "proxy_set_header X-Forwarded-Host $host;",
  "proxy_set_header X-Forwarded-Port $server_port;",
  "proxy_set_header X-Forwarded-Proto $scheme;",
  "proxy_set_header X-Forwarded-Scheme $scheme;",
  "proxy_set_header X-Scheme $scheme;",
  "proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for;",
  'proxy_set_header Proxy "";',
  "proxy_buffering off;",
  "proxy_buffer_size 4k;",
  "proxy_request_buffering on;",
  "proxy_next_upstream_tries 3;",
  "limit_req_status 503;",
] as const;

interface Directives {
  readonly zones: readonly string[];
  readonly location: readonly string[];
}

function directives(settings: ReadonlyMap<string, string>, hasTls: boolean): Directives {
  const zones: string[] = [];
  const location: string[] = [];
  const redirects = settings.get("force-ssl-redirect") === "true";
  if (redirects || (hasTls && settings.get("ssl-redirect") !== "false")) {
    location.push("if ($scheme = http) { return 308 https://$host$request_uri; }");
  }
  if (hasTls) {
    // hsts is on by default, for a year and for the hosts below.
    location.push(
      'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;',
    );
  }
  if (settings.get("enable-cors") === "true") location.push(...cors(settings));
  for (const [name, value] of settings) {
    if (name === "limit-rps") {
      zones.push(`limit_req_zone $binary_remote_addr zone=rps:5m rate=${value}r/s;`);
      const burst = Number(value) * BURST_MULTIPLIER;
      location.push(`limit_req zone=rps burst=${burst} nodelay;`);
    } else if (name in PLAIN) location.push(PLAIN[name]!(value));
    else if (!READ_ABOVE.has(name)) {
      throw new Error(`Cannot translate Ingress: annotation "${name}" is not known here`);
    }
  }
  return { zones, location };
}

/** Annotations that are one directive each. Timeouts are whole seconds, without a unit. */
const PLAIN: Readonly<Record<string, (value: string) => string>> = {
  "proxy-body-size": (value) => `client_max_body_size ${value};`,
  "proxy-connect-timeout": (value) => `proxy_connect_timeout ${value}s;`,
  "proxy-send-timeout": (value) => `proxy_send_timeout ${value}s;`,
  "proxy-read-timeout": (value) => `proxy_read_timeout ${value}s;`,
  "proxy-next-upstream": (value) => `proxy_next_upstream ${value};`,
};

const READ_ABOVE: ReadonlySet<string> = new Set([
  "ssl-redirect",
  "force-ssl-redirect",
  "enable-cors",
  "cors-allow-origin",
  "cors-allow-methods",
  "cors-allow-headers",
  "cors-max-age",
]);

// Of origins, one without a wildcard is known here. A preflight is answered by the controller, and does not go on.
function cors(settings: ReadonlyMap<string, string>): string[] {
  const origin = settings.get("cors-allow-origin") ?? "*";
  const methods = settings.get("cors-allow-methods") ?? "GET, PUT, POST, DELETE, PATCH, OPTIONS";
  const headers =
    settings.get("cors-allow-headers") ??
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";
  const maxAge = settings.get("cors-max-age") ?? "1728000";
  const allow = [
    `add_header Access-Control-Allow-Origin "${origin}" always;`,
    'add_header Access-Control-Allow-Credentials "true" always;',
    `add_header Access-Control-Allow-Methods "${methods}" always;`,
    `add_header Access-Control-Allow-Headers "${headers}" always;`,
    `add_header Access-Control-Max-Age "${maxAge}" always;`,
  ];
  return [...allow, `if ($request_method = OPTIONS) { ${allow.join(" ")} return 204; }`];
}

/** By their names without the controller's prefix. */
function annotationsOf({ metadata }: Manifest): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(metadata.annotations ?? {})) {
    if (FOR_OTHERS.test(name)) continue;
    if (!name.startsWith(PREFIX)) {
      throw new Error(`Cannot translate Ingress: annotation "${name}" is not known here`);
    }
    found.set(name.slice(PREFIX.length), value);
  }
  return found;
}
