// JSON: `parse` for reading, `object` and `array` for writing. This file is yours: change it as you like.

export enum Kind {
  Missing,
  Null,
  Boolean,
  Number,
  String,
  Array,
  Object,
}

const MAX_DEPTH = 512;

// Shared by all values that hold no others, which are most of them.
const NO_NAMES: string[] = [];
const NO_ITEMS: Value[] = [];

/** A value of a JSON text. What is not there is a value too, of kind `Missing`: no call on it fails. */
export class Value {
  /** What `text` gives for a string: its characters, escapes resolved. */
  private content: string = "";
  /** In an object, the names of `items`. */
  readonly names: string[];
  readonly items: Value[];

  /** Where the value stands in the text that was parsed: no copy of it before somebody asks. */
  private whole: string = "";
  private start: i32 = 0;
  private end: i32 = 0;

  constructor(readonly kind: Kind) {
    this.names = kind == Kind.Object ? new Array<string>() : NO_NAMES;
    this.items = kind >= Kind.Array ? new Array<Value>() : NO_ITEMS;
  }

  static string(content: string): Value {
    const value = new Value(Kind.String);
    value.content = content;
    return value;
  }

  standsAt(whole: string, start: i32, end: i32): Value {
    this.whole = whole;
    this.start = start;
    this.end = end;
    return this;
  }

  /** The value as it stands in the text: what to pass on unchanged. */
  get source(): string {
    return this.whole.substring(this.start, this.end);
  }

  /** The value at a path such as `data.customer.name` or `data.items.0.sku`. */
  at(path: string): Value {
    let value: Value = this;
    const steps = path.split(".");
    for (let i = 0; i < steps.length; i++) value = value.step(steps[i]);
    return value;
  }

  private step(name: string): Value {
    if (this.kind == Kind.Object) {
      // The last of equal names counts, as in JavaScript.
      const index = this.names.lastIndexOf(name);
      if (index >= 0) return this.items[index];
    } else if (this.kind == Kind.Array) {
      const index = <i32>parseInt(name);
      if (index >= 0 && index < this.items.length) return this.items[index];
    }
    return new Value(Kind.Missing);
  }

  text(otherwise: string = ""): string {
    return this.kind == Kind.String ? this.content : otherwise;
  }

  number(otherwise: f64 = NaN): f64 {
    return this.kind == Kind.Number ? parseFloat(this.source) : otherwise;
  }

  boolean(otherwise: bool = false): bool {
    return this.kind == Kind.Boolean ? this.source == "true" : otherwise;
  }
}

/** The value of a JSON text, or null where the text is not JSON. */
export function parse(text: string): Value | null {
  const reader = new Reader(text);
  const value = reader.value(0);
  return value !== null && reader.atEnd() ? value : null;
}

class Reader {
  private at: i32 = 0;

  constructor(private text: string) {}

  atEnd(): bool {
    return this.peek() < 0;
  }

  value(depth: i32): Value | null {
    if (depth > MAX_DEPTH) return null;
    const first = this.peek();
    const start = this.at;
    let value: Value | null = null;
    if (first == 0x7b) value = this.container(Kind.Object, depth);
    else if (first == 0x5b) value = this.container(Kind.Array, depth);
    else if (first == 0x22) value = this.string();
    else if (first == 0x2d || isDigit(first)) value = this.number();
    else if (this.takeWord("true") || this.takeWord("false")) value = new Value(Kind.Boolean);
    else if (this.takeWord("null")) value = new Value(Kind.Null);
    return value === null ? null : value.standsAt(this.text, start, this.at);
  }

  private container(kind: Kind, depth: i32): Value | null {
    const close = kind == Kind.Object ? 0x7d : 0x5d;
    const container = new Value(kind);
    this.at++;
    if (this.take(close)) return container;
    while (true) {
      if (kind == Kind.Object) {
        if (this.peek() != 0x22) return null;
        const name = this.string();
        if (name === null || !this.take(0x3a)) return null;
        container.names.push(name.text());
      }
      const item = this.value(depth + 1);
      if (item === null) return null;
      container.items.push(item);
      if (this.take(close)) return container;
      if (!this.take(0x2c)) return null;
    }
  }

  private string(): Value | null {
    let content = "";
    let start = ++this.at;
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code < 0x20) return null;
      if (code == 0x22) {
        content += this.text.substring(start, this.at++);
        return Value.string(content);
      }
      if (code != 0x5c) {
        this.at++;
        continue;
      }
      content += this.text.substring(start, this.at);
      const unit = this.escape();
      if (unit < 0) return null;
      content += String.fromCharCode(unit);
      start = this.at;
    }
    return null;
  }

  /** The UTF-16 code unit an escape stands for, or -1. */
  private escape(): i32 {
    const letter = this.at + 1 < this.text.length ? this.text.charCodeAt(this.at + 1) : -1;
    this.at += 2;
    if (letter != 0x75) {
      const index = '"\\/bfnrt'.indexOf(String.fromCharCode(letter));
      return letter < 0 || index < 0 ? -1 : '"\\/\b\f\n\r\t'.charCodeAt(index);
    }
    let unit = 0;
    for (let end = this.at + 4; this.at < end; this.at++) {
      const code = this.at < this.text.length ? this.text.charCodeAt(this.at) : 0;
      const low = code | 0x20;
      if (isDigit(code)) unit = unit * 16 + code - 0x30;
      else if (low >= 0x61 && low <= 0x66) unit = unit * 16 + low - 0x57;
      else return -1;
    }
    return unit;
  }

  // -? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?
  private number(): Value | null {
    if (this.current() == 0x2d) this.at++;
    const zero = this.current() == 0x30;
    const whole = this.digits();
    if (whole == 0 || (zero && whole > 1)) return null;
    if (this.current() == 0x2e) {
      this.at++;
      if (this.digits() == 0) return null;
    }
    if ((this.current() | 0x20) == 0x65) {
      this.at++;
      if (this.current() == 0x2b || this.current() == 0x2d) this.at++;
      if (this.digits() == 0) return null;
    }
    return new Value(Kind.Number);
  }

  private digits(): i32 {
    const start = this.at;
    while (isDigit(this.current())) this.at++;
    return this.at - start;
  }

  private current(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  /** The next character that is no white space, or -1 at the end. */
  private peek(): i32 {
    while (true) {
      const code = this.current();
      if (code != 0x20 && code != 0x0a && code != 0x0d && code != 0x09) return code;
      this.at++;
    }
  }

  private take(code: i32): bool {
    if (this.peek() != code) return false;
    this.at++;
    return true;
  }

  private takeWord(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

/** A JSON object being written: `object().text("name", name).number("age", 36).toString()`. */
export class ObjectWriter {
  private members: string[] = [];

  text(name: string, value: string): ObjectWriter {
    return this.raw(name, quote(value));
  }

  number(name: string, value: f64): ObjectWriter {
    return this.raw(name, numeral(value));
  }

  boolean(name: string, value: bool): ObjectWriter {
    return this.raw(name, value ? "true" : "false");
  }

  /** A member whose value is JSON text already: another object, or `source` of a value read. */
  raw(name: string, json: string): ObjectWriter {
    this.members.push(quote(name) + ":" + json);
    return this;
  }

  toString(): string {
    return "{" + this.members.join(",") + "}";
  }
}

export function object(): ObjectWriter {
  return new ObjectWriter();
}

/** A JSON array of what is JSON text already. */
export function array(items: string[]): string {
  return "[" + items.join(",") + "]";
}

/** A number as JSON: whole ones without a point, and null for what JSON has no number for. */
export function numeral(value: f64): string {
  if (!isFinite(value)) return "null";
  if (Math.trunc(value) == value && Math.abs(value) < 9007199254740992) {
    return (<i64>value).toString();
  }
  return value.toString();
}

/** A string as JSON. */
export function quote(text: string): string {
  let json = '"';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code != 0x22 && code != 0x5c) continue;
    json += text.substring(start, i);
    const index = '"\\\b\f\n\r\t'.indexOf(String.fromCharCode(code));
    json += index >= 0 ? "\\" + '"\\bfnrt'.charAt(index) : "\\u" + code.toString(16).padStart(4, "0");
    start = i + 1;
  }
  return json + text.substring(start) + '"';
}
