import { object, parse, Value } from "./json";
import { answer, emit, fail, log, readEvent } from "./nexus";

function main(): void {
  const event = parse(readEvent());
  if (event === null) return fail("the event is not JSON");
  const order = event.at("data");
  const id = order.at("order_id").text();
  const lines = order.at("lines").items;
  if (id == "") return fail('refused: the order has no "order_id"');
  if (order.at("customer_id").text() == "") return fail(`refused ${id}: it has no "customer_id"`);
  if (lines.length == 0) return fail(`refused ${id}: it has no lines`);

  let total: f64 = 0;
  for (let i = 0; i < lines.length; i++) {
    const quantity = lines[i].at("quantity").number();
    const price = lines[i].at("unit_price_cents").number();
    if (!isCount(quantity) || quantity < 1) return fail(`refused ${id}: quantity of line ${i + 1}`);
    if (!isCount(price)) return fail(`refused ${id}: unit_price_cents of line ${i + 1}`);
    total += quantity * price;
  }

  const validated = object()
    .text("type", "com.example.order.validated")
    .text("subject", id)
    .raw("data", validatedOrder(order, total));
  if (!emit(validated.toString())) return fail(`could not emit for ${id}`);
  log(`validated ${id}`);
  answer(object().text("order_id", id).number("total_cents", total).toString());
}

/** The order as it came, with its total. */
function validatedOrder(order: Value, total: f64): string {
  const data = object();
  for (let i = 0; i < order.names.length; i++) {
    // Who places an order does not say what it costs.
    if (order.names[i] != "total_cents") data.raw(order.names[i], order.items[i].source);
  }
  return data.number("total_cents", total).toString();
}

/** A whole number that is not negative and that f64 holds exactly. */
function isCount(value: f64): bool {
  return value >= 0 && value <= 9007199254740991 && Math.trunc(value) == value;
}

main();
