const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** Whether an entry of `allow` names the URL's host and port: without a port, the scheme's own. */
export function allowsUrl(allow: readonly string[], url: URL): boolean {
  const port = url.port === "" ? DEFAULT_PORTS[url.protocol] : url.port;
  return allow.some((entry) => {
    const { host, port: allowed = DEFAULT_PORTS[url.protocol] } = parseEntry(entry);
    return port === allowed && matches(host, url.hostname);
  });
}

function parseEntry(entry: string): { readonly host: string; readonly port?: string } {
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase())!;
  // An IPv6 address is in brackets, as it is in a URL.
  if (host!.startsWith("[") && !host!.endsWith("]")) return { host: entry.toLowerCase() };
  return port === undefined ? { host: host! } : { host: host!, port };
}

function matches(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}
