import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import { eachOf } from "./deploy.ts";
import { judge, judgeProject, type Deployer, type Wish } from "./functions/rollout.ts";
import type { SharedContent, SharedFunction, SharedVersions } from "./functions/shared.ts";
import type { Logger } from "./telemetry/telemetry.ts";

export interface TellerOptions {
  readonly shared: SharedVersions;
  readonly deployer: Deployer;
  /** Whose files this node has; absent: no project's. */
  readonly project?: string;
  readonly logger: Logger;
}

/** A wish with all that other nodes need for it. */
export interface OpenWish extends Wish {
  readonly contents: readonly SharedContent[];
}

/** What a node has in its files, all of it. */
interface Whole {
  readonly functions: readonly FunctionVersion[];
  readonly why: Wish["why"];
}

interface Late {
  readonly waitMs: number;
  readonly dueAt: number;
}

const AGAIN_MS = 1000;
const MAX_AGAIN_MS = 60_000;

/** Tells the cluster what this node wishes, as soon as it can be told. */
export class ClusterTeller {
  readonly #options: TellerOptions;
  readonly #wishes = new Map<string, OpenWish>();
  /** Those that could not be told at first, and when they are tried again. */
  readonly #late = new WeakMap<OpenWish, Late>();
  #whole: Whole | undefined;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** Whether there is anything to be told. */
  get isBehind(): boolean {
    return this.#wishes.size > 0 || this.#whole !== undefined;
  }

  /** Whether the cluster does not know yet how this function is to stand. */
  has(name: string): boolean {
    return this.#wishes.has(name);
  }

  /** In place of what was wished for this function before. */
  wish(name: string, wish: OpenWish): void {
    this.#wishes.set(name, wish);
  }

  /** Beside the wishes for each: that these functions are all of its project's. */
  wishWhole(functions: readonly FunctionVersion[], why: Wish["why"]): void {
    if (this.#options.project !== undefined) this.#whole = { functions, why };
  }

  /** Whether the cluster has had this version, and another one since; the log says so. */
  isSuperseded(wish: Wish, now: SharedFunction): boolean {
    const { deployer, logger } = this.#options;
    if (judge(wish, now, deployer).kind !== "superseded") return false;
    const { state, name } = now;
    // What is wrong with what cannot be read is said elsewhere.
    if (wish.want.kind === "removed" || state.kind === "unreadable") return true;
    logger.warn("Not deployed: the cluster has had this version, and another one since", {
      function: name,
      version: wish.want.version.version,
      ...(state.kind === "deployed" ? { serving: state.version.version } : {}),
      hint: "set NEXUS_DEPLOY_ID to a new value to deploy it again",
    });
    return true;
  }

  /** Tells what can be told now. Resolves with how those functions stand; what is left is told the next time. */
  async tell(): Promise<readonly SharedFunction[]> {
    const told: SharedFunction[] = [];
    let away = false;
    await eachOf([...this.#wishes], async ([name, wish]) => {
      if (away || performance.now() < (this.#late.get(wish)?.dueAt ?? 0)) return;
      try {
        told.push(await this.#tellOne(name, wish));
        if (this.#wishes.get(name) === wish) this.#wishes.delete(name);
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        away ||= error.code === "LOG_UNAVAILABLE";
        this.#delay(name, wish, error);
      }
    });
    if (!away) told.push(...(await this.#tellWhole()));
    return told;
  }

  async #tellOne(name: string, wish: OpenWish): Promise<SharedFunction> {
    const { shared, deployer } = this.#options;
    for (;;) {
      const now = await shared.get(name);
      if (this.isSuperseded(wish, now)) return now;
      // Also where the version is there: a part of it may have been lost.
      for (const content of wish.contents) await shared.putContent(content);
      const verdict = judge(wish, now, deployer);
      if (verdict.kind !== "write") return now;
      const revision = await shared.replace(name, now.revision, verdict.next);
      if (revision !== undefined) return { name, revision, state: verdict.next };
    }
  }

  /** Takes out what the project's earlier files had. */
  async #tellWhole(): Promise<readonly SharedFunction[]> {
    const { project } = this.#options;
    const whole = this.#whole;
    if (project === undefined || whole === undefined) return [];
    try {
      const told = await this.#takeOut(project, whole);
      this.#whole = undefined;
      return told;
    } catch (error) {
      if (error instanceof NexusError) return [];
      throw error;
    }
  }

  async #takeOut(project: string, { functions, why }: Whole): Promise<readonly SharedFunction[]> {
    const { shared, deployer: by } = this.#options;
    for (;;) {
      const now = await shared.getProject(project);
      const verdict = now === undefined ? undefined : judgeProject(functions, now, { why, by });
      if (now === undefined || verdict === undefined) return [];
      const told: SharedFunction[] = [];
      for (const name of verdict.gone) {
        const out = { want: { kind: "removed" }, why: "change", contents: [] } as const;
        told.push(await this.#tellOne(name, out));
      }
      const { revision } = now;
      if ((await shared.replaceProject(project, revision, verdict.next)) !== undefined) return told;
    }
  }

  #delay(name: string, wish: OpenWish, { code, message }: NexusError): void {
    const before = this.#late.get(wish);
    // To ask whether NATS is back costs nothing; to send what did not fit costs as much again.
    const waitMs =
      code === "LOG_UNAVAILABLE" ? 0 : Math.min(MAX_AGAIN_MS, (before?.waitMs ?? AGAIN_MS) * 2);
    this.#late.set(wish, { waitMs: Math.max(waitMs, AGAIN_MS), dueAt: performance.now() + waitMs });
    if (before !== undefined) return;
    this.#options.logger.warn(
      "Cannot share a change with the cluster yet: this node alone has it",
      {
        function: name,
        code,
        error: message,
      },
    );
  }
}
