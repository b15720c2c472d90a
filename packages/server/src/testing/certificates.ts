// Certificates for tests, made with the machine's openssl: an authority, a server on loopback, and a client.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Makes them in this folder; valid for a day. The server's is good for these host names too. */
export async function certificatesIn(
  folder: string,
  ...hosts: readonly string[]
): Promise<Certificates> {
  const at = (name: string): string => join(folder, name);
  const openssl = (command: string) =>
    promisify(execFile)("openssl", command.split(" "), { cwd: folder });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  await openssl(`req -x509 ${key} -keyout ca-key.pem -out ca.pem -days 1 -subj /CN=authority`);
  const names = ["localhost", ...hosts].map((host) => `,DNS:${host}`).join("");
  await writeFile(at("names"), `subjectAltName=IP:127.0.0.1${names}\n`);
  for (const name of ["server", "client"]) {
    const out = `${name}.pem`;
    await openssl(`req ${key} -keyout ${name}-key.pem -out ${name}.csr -subj /CN=${name}`);
    await openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 1 -extfile names -out ${out}`,
    );
  }
  return {
    ca: at("ca.pem"),
    serverCert: at("server.pem"),
    serverKey: at("server-key.pem"),
    clientCert: at("client.pem"),
    clientKey: at("client-key.pem"),
  };
}
