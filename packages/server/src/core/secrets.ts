/** Where the platform's secrets come from. */
export interface SecretsConfig {
  /** From the environment, by name. */
  readonly values: Readonly<Record<string, string>>;
  /** A file for each, with its name. */
  readonly folder?: string;
}
