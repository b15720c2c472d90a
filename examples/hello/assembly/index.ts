import { object, parse } from "./json";
import { answer, fail, log, readEvent, variable } from "./nexus";

function main(): void {
  const event = parse(readEvent());
  if (event === null) return fail("the event is not JSON");
  const cron = event.at("type").text() == "nexus.cron.tick";
  const name = cron ? "world" : event.at("data.name").text();
  if (name == "") return fail('the event has no "data.name"');

  const greeting = variable("GREETING", "Hello") + ", " + name + "!";
  log("greeting " + name + ", attempt " + variable("NEXUS_ATTEMPT"));
  answer(object().text("greeting", greeting).toString());
}

main();
