// The load test for k6 (https://k6.io), from the same description as `npm run load`:
//   k6 run -e URL=http://127.0.0.1:8080 -e TOKEN=… -e BARE_P99_MS=2 bench/load/k6.js
// BARE_P99_MS is what `npm run load` says of a bare node:http on the same machines: k6's thresholds are fixed before
// the test begins, so that the ratios of scenario.json need a figure to stand on. Without it latency has no threshold.
import { check, sleep } from "k6";
import http from "k6/http";

const { event, rounds, steps, maxSeconds, thresholds } = JSON.parse(open("./scenario.json"));
const url = __ENV.URL || "http://127.0.0.1:8080";
const bareP99Ms = Number(__ENV.BARE_P99_MS || 0);

const empty = JSON.stringify({ name: "load", text: "" }).length;
const body = JSON.stringify({ name: "load", text: "x".repeat(event.bytes - empty) });
const authorization = __ENV.TOKEN ? { authorization: `Bearer ${__ENV.TOKEN}` } : {};
const headers = Object.assign({ "content-type": "application/json" }, authorization);

export const options = {
  // One after the other: k6 begins each at a time that is known beforehand.
  scenarios: {
    accept: scenario("accept", 0),
    answer: scenario("answer", maxSeconds),
  },
  thresholds: Object.assign(
    {
      http_req_failed: [thresholds.failedRequests === 0 ? "rate==0" : "rate<0.01"],
      checks: ["rate==1"],
    },
    bareP99Ms > 0
      ? {
          "http_req_duration{scenario:accept}": [`p(99)<${bareP99Ms * thresholds.acceptP99OfBare}`],
          "http_req_duration{scenario:answer}": [
            `p(99)<${bareP99Ms * thresholds.acceptP99OfBare * thresholds.answerP99OfAccept}`,
          ],
        }
      : {},
  ),
};

function scenario(name, startSeconds) {
  return {
    executor: "shared-iterations",
    exec: name,
    vus: steps[name].connections,
    iterations: requestsOf(name),
    startTime: `${startSeconds}s`,
    maxDuration: `${maxSeconds}s`,
  };
}

// Rounds are for comparing in turns, which k6 has no use for: all of them at once.
function requestsOf(name) {
  return steps[name].requests * (name === "accept" ? rounds : 1);
}

export function setup() {
  return counts();
}

export function accept() {
  send("accept");
}

export function answer() {
  send("answer");
}

function send(name) {
  const { waitSeconds, status } = steps[name];
  const wait = waitSeconds === 0 ? "" : `?wait=${waitSeconds}s`;
  const response = http.post(`${url}/events/${event.type}${wait}`, body, {
    headers,
    tags: { name: `POST /events/{type}${wait}` },
  });
  check(response, { [`${name}: ${status}`]: (answer) => answer.status === status });
}

/** Everything that was accepted is run before the test is over. */
export function teardown(before) {
  const all = requestsOf("accept") + requestsOf("answer");
  let after = counts();
  for (let tries = 0; after.done - before.done < all && tries < maxSeconds * 2; tries += 1) {
    sleep(0.5);
    after = counts();
  }
  check(after, { "all that was accepted was run": ({ done }) => done - before.done >= all });
}

// One function is served that takes the events of this type; with several, each runs all of them.
function counts() {
  const text = http.get(`${url}/metrics`, { headers, tags: { name: "GET /metrics" } }).body;
  let done = 0;
  for (const line of text.split("\n")) {
    if (!/^nexus_deliveries_total\{.*state="done"/.test(line)) continue;
    done += Number(line.split(" ")[1]);
  }
  return { done };
}
