import { setTimeout as delay } from "node:timers/promises";
import { gather, parcelOf, type Parcel } from "./cluster-content.ts";
import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import { eachOf, loadAll, type Deployed, type DeployTarget, type Service } from "./deploy.ts";
import { routeClashes } from "./functions/conflicts.ts";
import { emptyProject, type Project } from "./functions/project.ts";
import type { Wish } from "./functions/rollout.ts";
import type { SharedFunction, SharedVersions } from "./functions/shared.ts";
import type { Logger } from "./telemetry/telemetry.ts";
import { ClusterTeller, type TellerOptions } from "./tell-cluster.ts";

export interface ClusterOptions extends TellerOptions {
  readonly target: DeployTarget;
}

/** A function that stands otherwise in the cluster than here. */
interface Behind {
  readonly reason: string;
  readonly waitMs: number;
  readonly dueAt: number;
}

const AGAIN_MS = 1000;
const MAX_AGAIN_MS = 30_000;

/**
 * Serves what the cluster has, on every node alike. What this node's files add to it is compiled and
 * warmed here first, so that a module that cannot run never leaves its node.
 */
export class ClusterService implements Service {
  readonly #shared: SharedVersions;
  readonly #target: DeployTarget;
  readonly #teller: ClusterTeller;
  readonly #logger: Logger;
  readonly #known = new Map<string, SharedFunction>();
  /** Names whose place here may not be as in `#known`. */
  readonly #stale = new Set<string>();
  readonly #behind = new Map<string, Behind>();
  /** What is loaded, and to be in service. */
  readonly #usable = new Map<string, FunctionVersion>();
  /** Of what is in service, as the log has said. */
  #clashes: readonly string[] = [];
  #own: Project | undefined;
  /** Before, nothing is in service; then all of it at once. */
  #begun = false;
  #ended = false;
  /** The last of the steps, which follow each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#shared = options.shared;
    this.#target = options.target;
    this.#teller = new ClusterTeller(options);
    this.#logger = options.logger;
  }

  /**
   * Puts a project into service. The first time, what the cluster has comes with it, and it resolves when
   * both are the same; later when this node serves it: the others follow when NATS is there. LOG_UNAVAILABLE
   * the first time; MODULE_INVALID as `deploy`.
   */
  deploy(project: Project): Promise<Deployed> {
    return this.#alone(async () => {
      const own = this.#own;
      const before = new Map(this.#usable);
      await (own === undefined ? this.#begin(project) : this.#change(own, project));
      const changed = [...this.#usable.values()].filter(
        ({ name, version }) => before.get(name)?.version !== version,
      );
      return { changed, removed: [...before.keys()].filter((name) => !this.#usable.has(name)) };
    });
  }

  /** Why this node cannot do all that the cluster does. */
  lacking(): readonly string[] {
    return [...this.#behind]
      .filter(([name]) => !this.#usable.has(name))
      .map(([name, { reason }]) => `Function "${name}" cannot be served here: ${reason}`);
  }

  /** Takes over what other nodes deploy, and gives them what they do not know yet, until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.#tryAgain(signal)]);
    this.#ended = true;
  }

  async #begin(project: Project): Promise<void> {
    for (const fn of await this.#shared.list()) this.#learn(fn);
    const own = project.functions.filter((version) => this.#isToServe(version, project));
    await loadAll(own, project, this.#target);
    this.#own = project;
    for (const version of own) this.#wish(parcelOf(version, project), "start");
    this.#wishWhole(project, "start");
    await this.#tell();
    this.#begun = true;
    this.#serve();
  }

  /** Whether a function of this node's files is, or is to be, the cluster's. */
  #isToServe(version: FunctionVersion, project: Project): boolean {
    const now = this.#known.get(version.name);
    const wish: Wish = { want: parcelOf(version, project).deployment, why: "start" };
    return now === undefined || !this.#teller.isSuperseded(wish, now);
  }

  async #change(own: Project, project: Project): Promise<void> {
    const before = new Map(own.functions.map(({ name, version }) => [name, version]));
    const changed = project.functions.filter(({ name, version }) => before.get(name) !== version);
    const fresh = changed.filter(
      ({ name, version }) => this.#usable.get(name)?.version !== version,
    );
    await loadAll(fresh, project, this.#target);
    this.#own = project;
    for (const version of changed) this.#wish(parcelOf(version, project), "change");
    for (const { name } of project.functions) before.delete(name);
    for (const name of before.keys()) {
      this.#usable.delete(name);
      this.#teller.wish(name, { want: { kind: "removed" }, why: "change", contents: [] });
    }
    this.#wishWhole(project, "change");
    this.#serve();
    // Whoever changes a file does not wait for the cluster, which may be away.
    void this.#alone(() => this.#tell());
  }

  #wish({ deployment, contents }: Parcel, why: Wish["why"]): void {
    const { version } = deployment;
    this.#usable.set(version.name, version);
    this.#teller.wish(version.name, { want: deployment, why, contents });
  }

  /** A node without files says nothing of its project. */
  #wishWhole({ files, functions }: Project, why: Wish["why"]): void {
    if (files.length > 0) this.#teller.wishWhole(functions, why);
  }

  async #tell(): Promise<void> {
    for (const fn of await this.#teller.tell()) {
      this.#known.set(fn.name, fn);
      this.#stale.add(fn.name);
    }
    await this.#catchUp();
  }

  #learn(fn: SharedFunction): void {
    const old = this.#known.get(fn.name);
    // Its own changes come back to a node too.
    if (old !== undefined && old.revision >= fn.revision) return;
    this.#known.set(fn.name, fn);
    this.#stale.add(fn.name);
  }

  async #catchUp(): Promise<void> {
    const names = [...this.#stale].filter((name) => !this.#teller.has(name));
    await eachOf(names, async (name) => {
      this.#stale.delete(name);
      await this.#catchUpWith(this.#known.get(name)!);
      // At once: a version that comes back while its last runs end is unloaded with them otherwise.
      this.#serve();
    });
  }

  async #catchUpWith({ name, state }: SharedFunction): Promise<void> {
    switch (state.kind) {
      case "absent":
      case "removed":
        this.#behind.delete(name);
        if (!this.#usable.delete(name)) return;
        this.#logger.info("No longer serving", {
          function: name,
          ...("node" in state ? { node: state.node } : {}),
        });
        return;
      case "unreadable":
        this.#fallBehind(name, `what the cluster has of it cannot be read: ${state.reason}`);
        return;
      case "deployed": {
        const { version, node } = state;
        if (this.#usable.get(name)?.version !== version.version) {
          try {
            const { modules, runtime } = this.#target;
            const own = this.#own ?? emptyProject();
            await runtime.load(await gather(state, { own, modules, shared: this.#shared }));
          } catch (error) {
            if (!(error instanceof NexusError)) throw error;
            this.#fallBehind(name, error.message);
            return;
          }
          this.#usable.set(name, version);
          this.#logger.info("Now serving", { function: name, version: version.version, node });
        }
        this.#behind.delete(name);
      }
    }
  }

  #fallBehind(name: string, reason: string): void {
    const old = this.#behind.get(name);
    const waitMs = old === undefined ? AGAIN_MS : Math.min(MAX_AGAIN_MS, old.waitMs * 2);
    this.#behind.set(name, { reason, waitMs, dueAt: performance.now() + waitMs });
    if (old?.reason === reason || this.#ended) return;
    const serving = this.#usable.get(name)?.version;
    this.#logger.error("Cannot serve what the cluster serves", {
      function: name,
      error: reason,
      ...(serving === undefined ? {} : { still_serving: serving }),
    });
  }

  #serve(): void {
    if (!this.#begun) return;
    const { registry } = this.#target;
    const next = [...this.#usable.values()];
    const same =
      next.length === registry.list().length &&
      next.every(({ name, version }) => registry.get(name)?.version === version);
    if (same) return;
    registry.replace(next);
    const clashes = routeClashes(registry.list());
    for (const clash of clashes) if (!this.#clashes.includes(clash)) this.#logger.warn(clash);
    this.#clashes = clashes;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const fn of this.#shared.watch(signal)) {
      this.#learn(fn);
      // A rejection here is a bug.
      if (this.#stale.has(fn.name)) void this.#alone(() => this.#catchUp());
    }
  }

  async #tryAgain(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(AGAIN_MS, undefined, { signal }).catch(over);
      if (signal.aborted) return;
      for (const [name, { dueAt }] of this.#behind) {
        if (dueAt <= performance.now()) this.#stale.add(name);
      }
      const work = this.#teller.isBehind ? () => this.#tell() : () => this.#catchUp();
      await unlessAborted(this.#alone(work), signal);
    }
  }

  /** After all that was begun before. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(heardElsewhere);
    return done;
  }
}

/** What is not done by then ends by itself, with the connection. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The wait was ended. */
function over(): void {}

/** Whoever began it is told. */
function heardElsewhere(): void {}
