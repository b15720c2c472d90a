import type { Problem } from "./api.gen.ts";

/** An answer of the server that is an error, or, with `code: "UNREACHABLE"`, no answer at all. */
export class NexusProblem extends Error {
  override readonly name = "NexusProblem";
  /** Stable; see docs/errors.md. */
  readonly code: Problem["code"] | "UNREACHABLE";
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What the server's log has the details under; empty where there was no answer. */
  readonly traceId: string;

  constructor(
    problem: Pick<NexusProblem, "code" | "status" | "traceId" | "message">,
    options?: ErrorOptions,
  ) {
    super(problem.message, options);
    this.code = problem.code;
    this.status = problem.status;
    this.traceId = problem.traceId;
  }
}

/** The problem in an answer that is not 2xx, whoever made it: a proxy's says what it is as well. */
export async function problemIn(response: Response, url: string): Promise<NexusProblem> {
  const text = await response.text();
  const body = parse(text);
  if (body !== undefined) {
    const { code, status, detail, trace_id: traceId } = body;
    return new NexusProblem({ code, status, message: detail, traceId });
  }
  return new NexusProblem({
    code: "INTERNAL",
    status: response.status,
    traceId: "",
    message: `Cannot read the answer of ${url}: status ${response.status}, and no problem document: is it a Nexus Functions server?`,
  });
}

export function unreachable(url: string, cause: unknown): NexusProblem {
  return new NexusProblem(
    {
      code: "UNREACHABLE",
      status: 0,
      traceId: "",
      message: `Cannot connect to ${url}: is the server running? Start one with "nexus dev", or name another with --url or NEXUS_URL`,
    },
    { cause },
  );
}

function parse(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === "string" ? (value as Problem) : undefined;
  } catch {
    return undefined;
  }
}
