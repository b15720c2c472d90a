import { gather } from "./cluster-content.ts";
import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import { eachOf, type DeployTarget } from "./deploy.ts";
import { routeClashes } from "./functions/conflicts.ts";
import type { Project } from "./functions/project.ts";
import type { SharedFunction, SharedVersions } from "./functions/shared.ts";
import type { Logger } from "./telemetry/telemetry.ts";

export interface ServedOptions {
  readonly shared: SharedVersions;
  readonly target: DeployTarget;
  readonly logger: Logger;
  /** Whether this node has still to tell how a function is to stand: until then that holds here. */
  readonly isOpen: (name: string) => boolean;
}

/** A function that stands otherwise in the cluster than here. */
interface Behind {
  readonly reason: string;
  readonly waitMs: number;
  readonly dueAt: number;
}

const AGAIN_MS = 1000;
const MAX_AGAIN_MS = 30_000;

/** What this node serves of what the cluster has, as far as it is known here. */
export class ServedVersions {
  readonly #shared: SharedVersions;
  readonly #target: DeployTarget;
  readonly #logger: Logger;
  readonly #isOpen: (name: string) => boolean;
  readonly #known = new Map<string, SharedFunction>();
  /** Names whose place here may not be as in `#known`. */
  readonly #stale = new Set<string>();
  readonly #behind = new Map<string, Behind>();
  /** What is loaded, and to be in service. */
  readonly #usable = new Map<string, FunctionVersion>();
  /** Of what is in service, as the log has said. */
  #clashes: readonly string[] = [];
  /** Before, nothing is in service; then all of it at once. */
  #begun = false;
  #ended = false;

  constructor(options: ServedOptions) {
    this.#shared = options.shared;
    this.#target = options.target;
    this.#logger = options.logger;
    this.#isOpen = options.isOpen;
  }

  /** What is loaded, and to be in service, by name. */
  get usable(): ReadonlyMap<string, FunctionVersion> {
    return this.#usable;
  }

  /** How a function stands in the cluster, as was heard last. */
  known(name: string): SharedFunction | undefined {
    return this.#known.get(name);
  }

  /** Whether a function may stand otherwise here than in the cluster. */
  isStale(name: string): boolean {
    return this.#stale.has(name);
  }

  /** Why this node cannot do all that the cluster does. */
  lacking(): readonly string[] {
    return [...this.#behind]
      .filter(([name]) => !this.#usable.has(name))
      .map(([name, { reason }]) => `Function "${name}" cannot be served here: ${reason}`);
  }

  /** Of this node's files, and loaded: in service from the next `serve` on. */
  use(version: FunctionVersion): void {
    this.#usable.set(version.name, version);
  }

  /** No longer in this node's files: out of service from the next `serve` on. */
  drop(name: string): void {
    this.#usable.delete(name);
  }

  /** Hears how a function stands in the cluster. */
  learn(fn: SharedFunction): void {
    const old = this.#known.get(fn.name);
    // Its own changes come back to a node too.
    if (old === undefined || old.revision < fn.revision) this.told(fn);
  }

  /** Knows for certain how a function stands: the cluster said so when it was told of it. */
  told(fn: SharedFunction): void {
    this.#known.set(fn.name, fn);
    this.#stale.add(fn.name);
  }

  /** Now all of it is put into service at once, and later every change. */
  begin(): void {
    this.#begun = true;
    this.serve();
  }

  /** From now on nobody is told what cannot be served. */
  end(): void {
    this.#ended = true;
  }

  /** Those that could not be served are tried again, each when its time has come. */
  tryAgain(): void {
    for (const [name, { dueAt }] of this.#behind) {
      if (dueAt <= performance.now()) this.#stale.add(name);
    }
  }

  /** Brings every function that may stand otherwise in the cluster up to it; `own`: this node's files. */
  async catchUp(own: Project): Promise<void> {
    const names = [...this.#stale].filter((name) => !this.#isOpen(name));
    await eachOf(names, async (name) => {
      this.#stale.delete(name);
      await this.#catchUpWith(this.#known.get(name)!, own);
      // At once: a version that comes back while its last runs end is unloaded with them otherwise.
      this.serve();
    });
  }

  async #catchUpWith({ name, state }: SharedFunction, own: Project): Promise<void> {
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
            const { modules, versions, runtime } = this.#target;
            const loadable = await gather(state, { own, modules, shared: this.#shared });
            await runtime.load(loadable);
            await versions.keep(version, { module: loadable.bytes, files: loadable.files });
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

  /** Puts what is usable into service, in one step; nothing before `begin`. */
  serve(): void {
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
}
