import { setTimeout as delay } from "node:timers/promises";
import { parcelOf, type Parcel } from "./cluster-content.ts";
import type { FunctionVersion } from "./core/function.ts";
import { loadAll, type Deployed, type DeployTarget, type Service } from "./deploy.ts";
import { emptyProject, type Project } from "./functions/project.ts";
import type { Wish } from "./functions/rollout.ts";
import type { SharedVersions } from "./functions/shared.ts";
import { ServedVersions } from "./served-versions.ts";
import { ClusterTeller, type TellerOptions } from "./tell-cluster.ts";

export interface ClusterOptions extends TellerOptions {
  readonly target: DeployTarget;
}

const AGAIN_MS = 1000;

/**
 * Serves what the cluster has, on every node alike. What this node's files add to it is compiled and
 * warmed here first, so that a module that cannot run never leaves its node.
 */
export class ClusterService implements Service {
  readonly #shared: SharedVersions;
  readonly #target: DeployTarget;
  readonly #teller: ClusterTeller;
  readonly #served: ServedVersions;
  #own: Project | undefined;
  /** The last of the steps, which follow each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#shared = options.shared;
    this.#target = options.target;
    this.#teller = new ClusterTeller(options);
    this.#served = new ServedVersions({ ...options, isOpen: (name) => this.#teller.has(name) });
  }

  /**
   * Puts a project into service. The first time, what the cluster has comes with it, and it resolves when
   * both are the same; later when this node serves it: the others follow when NATS is there. LOG_UNAVAILABLE
   * the first time; MODULE_INVALID as `deploy`.
   */
  deploy(project: Project): Promise<Deployed> {
    return this.#alone(async () => {
      const own = this.#own;
      const before = new Map(this.#served.usable);
      await (own === undefined ? this.#begin(project) : this.#change(own, project));
      const { usable } = this.#served;
      const changed = [...usable.values()].filter(
        ({ name, version }) => before.get(name)?.version !== version,
      );
      return { changed, removed: [...before.keys()].filter((name) => !usable.has(name)) };
    });
  }

  lacking(): readonly string[] {
    return this.#served.lacking();
  }

  /** Takes over what other nodes deploy, and gives them what they do not know yet, until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.#tryAgain(signal)]);
    this.#served.end();
  }

  async #begin(project: Project): Promise<void> {
    for (const fn of await this.#shared.list()) this.#served.learn(fn);
    const own = project.functions.filter((version) => this.#isToServe(version, project));
    await loadAll(own, project, this.#target);
    this.#own = project;
    for (const version of own) this.#wish(parcelOf(version, project), "start");
    this.#wishWhole(project, "start");
    await this.#tell();
    this.#served.begin();
  }

  /** Whether a function of this node's files is, or is to be, the cluster's. */
  #isToServe(version: FunctionVersion, project: Project): boolean {
    const now = this.#served.known(version.name);
    const wish: Wish = { want: parcelOf(version, project).deployment, why: "start" };
    return now === undefined || !this.#teller.isSuperseded(wish, now);
  }

  async #change(own: Project, project: Project): Promise<void> {
    const before = new Map(own.functions.map(({ name, version }) => [name, version]));
    const changed = project.functions.filter(({ name, version }) => before.get(name) !== version);
    const fresh = changed.filter(
      ({ name, version }) => this.#served.usable.get(name)?.version !== version,
    );
    await loadAll(fresh, project, this.#target);
    this.#own = project;
    for (const version of changed) this.#wish(parcelOf(version, project), "change");
    for (const { name } of project.functions) before.delete(name);
    for (const name of before.keys()) {
      this.#served.drop(name);
      this.#teller.wish(name, { want: { kind: "removed" }, why: "change", contents: [] });
    }
    this.#wishWhole(project, "change");
    this.#served.serve();
    // Whoever changes a file does not wait for the cluster, which may be away.
    void this.#alone(() => this.#tell());
  }

  #wish({ deployment, contents }: Parcel, why: Wish["why"]): void {
    const { version } = deployment;
    this.#served.use(version);
    this.#teller.wish(version.name, { want: deployment, why, contents });
  }

  /** A node without files says nothing of its project. */
  #wishWhole({ files, functions }: Project, why: Wish["why"]): void {
    if (files.length > 0) this.#teller.wishWhole(functions, why);
  }

  async #tell(): Promise<void> {
    for (const fn of await this.#teller.tell()) this.#served.told(fn);
    await this.#catchUp();
  }

  #catchUp(): Promise<void> {
    return this.#served.catchUp(this.#own ?? emptyProject());
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const fn of this.#shared.watch(signal)) {
      this.#served.learn(fn);
      // A rejection here is a bug.
      if (this.#served.isStale(fn.name)) void this.#alone(() => this.#catchUp());
    }
  }

  async #tryAgain(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(AGAIN_MS, undefined, { signal }).catch(over);
      if (signal.aborted) return;
      this.#served.tryAgain();
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
