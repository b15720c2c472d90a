import { object, parse } from "./json";
import { answer, fail, log, readEvent } from "./nexus";

function main(): void {
  const event = parse(readEvent());
  if (event === null) return fail("the event is not JSON");
  const name = event.at("data.name").text();
  if (name == "") return fail('the event has no "data.name"');

  log("greeting " + name);
  answer(object().text("greeting", "Hello, " + name + "!").toString());
}

main();
