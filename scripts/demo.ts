// npm run demo: the main job from source to replay, through the real server on a real socket. Stays up
// until Ctrl-C; with --once it ends after the first round.
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs, styleText } from "node:util";
import type { Accepted, Invocation } from "@nexus-functions/client/api.gen";
import { createClient, type NexusClient } from "@nexus-functions/client/client";
import { readConfig } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { startServer, type RunningServer } from "@nexus-functions/server/server";
import { EXAMPLE_MODULES } from "./examples.ts";
import { compile, toolchainFor } from "./toolchains.ts";

const ROOT = join(import.meta.dirname, "..");
const CONFIG = join(ROOT, "examples/demo/nexus.yaml");
const SECRET = "It's a Secret to Everybody";
const SERVED = new Set(["hello", "validate-order", "charge-order", "fraud-score", "webhook"]);

const { values: flags } = parseArgs({ options: { once: { type: "boolean", default: false } } });

const scratch = await mkdtemp(join(tmpdir(), "nexus-demo-"));
let server: RunningServer | undefined;
try {
  title("Building functions from their source");
  await buildFunctions();
  title("Starting the server");
  server = await start();
  const client = createClient({ url: server.url });
  title("Publishing events, and waiting for their functions");
  const replayable = await publishAll(client);
  await callWebhook(server.url);
  title("Replaying an event from the past");
  await replay(client, replayable);
  if (!flags.once) {
    whatNext(server.url, replayable.event_id);
    await untilStopped();
  }
} finally {
  await server?.close();
  await rm(scratch, { recursive: true, force: true });
}
if (flags.once) say(`\nDone: events kept, functions run, one event replayed.`);

/** What this machine can compile is compiled; the rest is there already, built from the same source. */
async function buildFunctions(): Promise<void> {
  for (const { folder, name, language, source } of EXAMPLE_MODULES) {
    if (!SERVED.has(name)) continue;
    const target = join(ROOT, "examples", folder, "build", `${name}.wasm`);
    const from = relative(ROOT, join(ROOT, "examples", folder, source));
    // Only what npm brings: another compiler than the pinned one would change the committed module.
    const toolchain = language === "assemblyscript" ? await toolchainFor(language) : undefined;
    if (toolchain?.state !== "ready") {
      say(`  ${name.padEnd(15)} ${dim(`${language}, built beforehand from ${from}`)}`);
      continue;
    }
    const begun = performance.now();
    await compile({ language, source: join(ROOT, from), target, scratch });
    const ms = Math.round(performance.now() - begun);
    say(`  ${name.padEnd(15)} ${dim(`${language}, compiled from ${from} in ${ms} ms`)}`);
  }
}

async function start(): Promise<RunningServer> {
  const config = (port: number) =>
    readConfig(
      {},
      { configFile: CONFIG, dataDir: join(scratch, "data"), port, logLevel: "error" },
      existsSync,
    );
  const options = { write: (line: string) => process.stderr.write(line), colour: false };
  const begun = performance.now();
  let running: RunningServer;
  try {
    running = await startServer(config(8080), options);
  } catch (error) {
    if (!(error instanceof NexusError) || error.code !== "PORT_UNAVAILABLE") throw error;
    say(dim("  port 8080 is taken: using another one"));
    running = await startServer(config(0), options);
  }
  const ms = Math.round(performance.now() - begun);
  say(
    `  ready at ${bold(running.url)} ${dim(`in ${ms} ms; embedded store, fsync before every 202`)}`,
  );
  for (const { name, version, triggers } of running.functions()) {
    const on = triggers.map((trigger) =>
      trigger.kind === "http"
        ? `${trigger.method} ${trigger.path}`
        : trigger.kind === "event"
          ? trigger.pattern
          : trigger.kind,
    );
    say(`  ${name.padEnd(15)} ${version.slice(0, 12)}  ${dim(on.join(", "))}`);
  }
  return running;
}

async function publishAll(client: NexusClient): Promise<Accepted> {
  const greeting = await publish(client, "com.example.greeting.requested", { name: "Ada" });
  await publish(client, "com.example.payment.created", {
    payment_id: "P-9",
    amount_cents: 250_000,
    card_country: "DE",
    ip_country: "BR",
    account_age_days: 2,
  });
  const order = {
    order_id: "A-1",
    customer_id: "C-7",
    lines: [{ sku: "tea", quantity: 2, unit_price_cents: 450 }],
  };
  await publish(client, "com.example.order.placed", { ...order, provider_down_for_attempts: 1 });
  await showChain(client);
  return greeting;
}

async function publish(client: NexusClient, type: string, data: object): Promise<Accepted> {
  const body = JSON.stringify(data);
  say(`\n  ${bold(`POST /events/${type}`)} ${body}`);
  const accepted = await client.publishPlain(type, body, {
    contentType: "application/json",
    wait: "20s",
  });
  say(dim(`  ${accepted.status} at position ${accepted.position}, event ${accepted.event_id}`));
  for (const invocation of accepted.invocations ?? []) show(invocation);
  return accepted;
}

/** The order's second function runs on an event that the first one emitted: it is waited for by reading. */
async function showChain(client: NexusClient): Promise<void> {
  say(
    dim(
      "\n  validate-order emitted an event, and charge-order runs on it; its first attempt fails:",
    ),
  );
  for (;;) {
    const { invocations } = await client.listInvocations({ function: "charge-order" });
    if (invocations.some(({ delivery }) => delivery === "done" || delivery === "dead")) {
      for (const invocation of invocations.toReversed()) show(invocation);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function callWebhook(url: string): Promise<void> {
  const body = "Hello, World!";
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  say(`\n  ${bold("POST /hooks/github")} ${dim("a function that answers HTTP itself")}`);
  for (const header of [`sha256=${signature}`, "sha256=forged"]) {
    const response = await fetch(`${url}/hooks/github`, {
      method: "POST",
      headers: { "x-hub-signature-256": header },
      body,
    });
    say(
      `    ${header.slice(0, 20).padEnd(20)} → ${response.status} ${(await response.text()).trim()}`,
    );
  }
}

async function replay(client: NexusClient, accepted: Accepted): Promise<void> {
  say(`  ${bold(`POST /replay/${accepted.event_id}`)}`);
  const { invocations } = await client.replay(accepted.event_id);
  for (const invocation of invocations) show(invocation);
}

function show(run: Invocation): void {
  const state = run.status === "succeeded" ? green("succeeded") : red(run.status);
  const facts = [
    `attempt ${run.attempt}`,
    `${run.duration_ms.toFixed(2)} ms`,
    `${Math.round(run.memory_peak_bytes / 1024)} KiB`,
    ...(run.trigger === "replay" ? ["replay"] : []),
  ];
  say(`    ${run.function} ${state} ${dim(facts.join(" · "))}`);
  if (run.error !== null) say(`      error   ${run.error.message}`);
  if (run.output !== "") say(`      output  ${run.output.trim()}`);
  for (const { time, text } of run.logs) say(`      log     ${dim(time.slice(11, 23))} ${text}`);
}

function whatNext(url: string, eventId: string): void {
  const nexus = url.endsWith(":8080") ? "npx nexus" : `NEXUS_URL=${url} npx nexus`;
  title("It stays up until Ctrl-C. In another terminal, try");
  say(`  ${nexus} events
  ${nexus} invocations
  ${nexus} replay ${eventId}
  ${nexus} publish com.example.greeting.requested --data '{"name":"Grace"}' --wait 5s
  ${nexus} logs -f
  curl ${url}/openapi.json
  curl ${url}/metrics`);
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}

function title(text: string): void {
  say(`\n${styleText(["bold", "cyan"], text)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function bold(text: string): string {
  return styleText("bold", text);
}

function dim(text: string): string {
  return styleText("dim", text);
}

function green(text: string): string {
  return styleText("green", text);
}

function red(text: string): string {
  return styleText("red", text);
}
