// Counts its runs, tells another server, and emits an event: every host call once, in AssemblyScript.
import { ABSENT, emit, errno, fetch, kvDelete, kvGet, kvList, kvSet, Level, log, NOENT, reason, secret, STALE } from "../nexus";

/** Ends the run as failed; the platform tries again. */
function fail(what: string): void {
  process.stderr.write("cannot " + what + ": errno " + errno.toString() + ", " + reason() + "\n");
  process.exit(1);
}

/** Whoever else counts at the same time: nobody's step is lost. */
function countUp(): i64 {
  while (true) {
    const entry = kvGet("count");
    if (entry === null && errno != NOENT) fail("read the count");
    const count = entry === null ? 0 : I64.parseInt(entry.text());
    const expect = entry === null ? ABSENT : entry.revision;
    if (kvSet("count", String.UTF8.encode((count + 1).toString()), expect) != 0) return count + 1;
    if (errno != STALE) fail("keep the count");
  }
}

function listSeen(count: i64): void {
  const hour: i64 = 3600 * 1000;
  if (kvSet("seen/" + count.toString(), String.UTF8.encode("yes"), -1, hour) == 0) fail("keep what was seen");
  if (count > 3 && !kvDelete("seen/" + (count - 3).toString()) && errno != NOENT) fail("forget what was seen");
  const page = kvList("seen/");
  if (page === null) return fail("list what was seen");
  let keys = "";
  for (let at = 0; at < page.entries.length; at++) keys += " " + page.entries[at].key;
  process.stdout.write("seen " + page.entries.length.toString() + ":" + keys + "\n");
}

function tell(count: i64): void {
  const key = secret("API_KEY");
  if (key === null) return fail("read the secret");
  const body = String.UTF8.encode('{"count":' + count.toString() + "}");
  const answer = fetch("POST", process.env.get("API_URL"), ["authorization: Bearer " + key], body);
  if (answer === null) return fail("tell the count");
  process.stdout.write("told: " + answer.status.toString() + " " + answer.text() + "\n");
}

const count = countUp();
process.stdout.write("count " + count.toString() + "\n");
listSeen(count);
tell(count);
if (!emit('{"type":"com.example.counted","data":{"count":' + count.toString() + "}}")) fail("emit");
log(Level.Info, "counted");
