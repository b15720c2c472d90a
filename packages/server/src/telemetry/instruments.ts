import { Counter, Gauge, type Registry } from "prom-client";
import { TallyCounter, TallyHistogram } from "./tally.ts";

/** 1-2.5-5 steps, in seconds. */
const STEPS = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
  0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
] as const;

function steps(from: number, to: number): number[] {
  return STEPS.filter((bound) => bound >= from && bound <= to);
}

/** Every metric of ours in this registry; docs/telemetry.md lists them for users. */
export function instruments(registry: Registry) {
  const registers = [registry];

  function counter<L extends string>(name: string, help: string, labelNames: readonly L[]) {
    return new TallyCounter(new Counter<L>({ name, help, labelNames, registers }));
  }
  function gauge<L extends string = never>(name: string, help: string, labelNames?: readonly L[]) {
    return new Gauge<L>({ name, help, labelNames: labelNames ?? [], registers });
  }
  function histogram<L extends string>(
    name: string,
    help: string,
    options: { readonly labelNames: readonly L[]; readonly buckets: number[] },
  ) {
    return new TallyHistogram<L>({ name, help, ...options }, registry);
  }

  return {
    buildInfo: gauge("nexus_build_info", "Always 1; what runs is in the labels.", [
      "version",
      "node",
      "driver",
    ]),
    functions: gauge("nexus_functions", "Functions in service."),

    httpRequests: counter("nexus_http_requests_total", "HTTP requests answered.", [
      "route",
      "method",
      "status",
    ]),
    httpDuration: histogram(
      "nexus_http_request_duration_seconds",
      "From the request's head to the end of the answer.",
      { labelNames: ["route", "method", "status"], buckets: steps(0.0001, 60) },
    ),

    httpLimited: counter(
      "nexus_http_requests_limited_total",
      "HTTP requests refused because there were too many.",
      ["limit"],
    ),

    events: counter("nexus_events_total", "Events taken in.", ["source", "status"]),
    eventsRejected: counter("nexus_events_rejected_total", "Events refused, by error code.", [
      "code",
    ]),
    appendDuration: histogram(
      "nexus_append_duration_seconds",
      "From the call to the event being durable.",
      { labelNames: [], buckets: steps(0.0001, 10) },
    ),

    deliveries: counter("nexus_deliveries_total", "Attempts of deliveries, by what came of them.", [
      "function",
      "state",
    ]),
    deliveryWait: histogram(
      "nexus_delivery_wait_seconds",
      "From the event's acceptance to the start of an attempt.",
      { labelNames: ["function"], buckets: steps(0.001, 3600) },
    ),
    queue: gauge("nexus_queue_deliveries", "Deliveries not settled yet.", ["function", "state"]),
    queueLag: gauge("nexus_queue_lag_seconds", "Age of the oldest delivery not settled; 0: none.", [
      "function",
    ]),

    invocations: counter("nexus_invocations_total", "Executions, by how they ended.", [
      "function",
      "trigger",
      "status",
    ]),
    invocationDuration: histogram("nexus_invocation_duration_seconds", "Time in the sandbox.", {
      labelNames: ["function"],
      buckets: steps(0.00001, 300),
    }),
    starts: counter("nexus_invocation_starts_total", "Executions by kind of start.", [
      "function",
      "start",
    ]),

    replaysVerified: counter(
      "nexus_replay_verified_total",
      "Recorded runs made again in idle time that went the same way, bit for bit.",
      ["function"],
    ),
    replaysDiverged: counter(
      "nexus_replay_diverged_total",
      "Recorded runs made again in idle time that went another way.",
      ["function"],
    ),

    cronLastTick: gauge(
      "nexus_cron_last_tick_timestamp_seconds",
      "When the newest tick that this node kept was due, since the Unix epoch.",
      ["function"],
    ),
    cronLate: gauge("nexus_cron_late_seconds", "By how much that tick was kept late.", [
      "function",
    ]),

    logConnected: gauge("nexus_log_connected", "1 while the event log can be reached, else 0."),
    logPosition: gauge("nexus_log_position", "Position of the newest event."),
    logEvents: gauge("nexus_log_events", "Events kept."),
    logInvocations: gauge("nexus_log_invocations", "Invocation records kept."),
    logDeadLetters: gauge("nexus_log_dead_letters", "Dead letters kept."),
    logBytes: gauge("nexus_log_bytes", "Size of the event log on the disk."),
    logCopies: gauge("nexus_log_copies", "Copies of the event log that have all of it."),
    logCopiesWanted: gauge(
      "nexus_log_copies_wanted",
      "Copies of the event log that there are meant to be.",
    ),

    diskFree: gauge(
      "nexus_data_disk_free_bytes",
      "Free on the file system of the data directory, for this process's user.",
    ),
    diskSize: gauge("nexus_data_disk_size_bytes", "Size of the file system of the data directory."),
    memoryLimit: gauge(
      "nexus_memory_limit_bytes",
      "Memory that the process may use: its control group's limit, else the machine's memory.",
    ),

    workers: gauge("nexus_workers", "Worker threads."),
    workersBusy: gauge("nexus_workers_busy", "Worker threads that run a function now."),
    workerQueue: gauge("nexus_worker_queue_invocations", "Invocations that wait for a worker."),
    workersReplaced: counter(
      "nexus_workers_replaced_total",
      "Worker threads replaced because a guest had to be stopped, or died.",
      [],
    ),
    versionsLoaded: gauge("nexus_versions_loaded", "Function versions compiled and ready."),
  };
}
