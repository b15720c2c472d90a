import { FREE_SHIPPING_FROM, quoteEnds, quoteNumber, readCart, SHIPPING } from "./cart";
import { object, parse } from "./json";
import { answer, emit, fail, log, readEvent } from "./nexus";

function main(): void {
  const cart = readCart(parse(readEvent()));
  if (cart === null) return fail("refused: this is no cart");

  // New: customers collect a point for each whole euro that they pay for goods.
  const discount = Math.floor((cart.subtotal * cart.percentOff) / 100);
  const goods = cart.subtotal - discount;
  const points = Math.floor(goods / 100);
  const shipping = cart.subtotal >= FREE_SHIPPING_FROM ? 0 : SHIPPING;
  const total = goods + shipping;

  const quote = object()
    .text("cart_id", cart.id)
    .text("quote", quoteNumber())
    .text("valid_until", quoteEnds())
    .number("subtotal_cents", cart.subtotal)
    .number("discount_cents", discount)
    .number("shipping_cents", shipping)
    .number("total_cents", total)
    .number("points", points)
    .toString();
  if (!emit(object().text("type", "com.example.cart.quoted").raw("data", quote).toString())) {
    return fail(`could not emit the quote of ${cart.id}`);
  }
  log(`quoted ${cart.id}`);
  answer(quote);
}

main();
