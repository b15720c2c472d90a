import { Value } from "./json";

/** What a cart holds, in cents. */
export class Cart {
  constructor(
    readonly id: string,
    readonly subtotal: f64,
    /** Per cent that its coupon takes off; 0 without one. */
    readonly percentOff: f64,
  ) {}
}

/** The cart that was checked out, or null where there is none in the event. */
export function readCart(event: Value | null): Cart | null {
  if (event === null) return null;
  const data = event.at("data");
  const id = data.at("cart_id").text();
  const lines = data.at("lines").items;
  if (id == "" || lines.length == 0) return null;
  let subtotal: f64 = 0;
  for (let i = 0; i < lines.length; i++) {
    const cents = lines[i].at("unit_price_cents").number() * lines[i].at("quantity").number(1);
    if (isNaN(cents)) return null;
    subtotal += cents;
  }
  return new Cart(id, subtotal, data.at("coupon.percent_off").number(0));
}

export const FREE_SHIPPING_FROM: f64 = 5000;
export const SHIPPING: f64 = 490;

const QUOTE_LASTS_MS = 15 * 60 * 1000;

/** A quote has a number that nobody can guess, and a time until which it holds: no two runs write the same. */
export function quoteNumber(): string {
  return "Q-" + (<i64>(Math.random() * 1e12)).toString().padStart(12, "0");
}

export function quoteEnds(): string {
  return new Date(Date.now() + QUOTE_LASTS_MS).toISOString();
}
