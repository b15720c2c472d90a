// Rust's symbol mangling "v0" (RFC 2603), as far as a reader of a stack needs it: paths and types,
// without the hashes of crates, and with constants as `_`.

const MOST_STEPS = 2_000;
const MOST_DEPTH = 64;

const BASIC: Readonly<Record<string, string>> = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

class NotMangled extends Error {}

/** Undefined where it is none, or one that is too long. */
export function demangleV0(name: string): string | undefined {
  const symbol = /^_R([A-Za-z]\w*)/.exec(name)?.[1];
  if (symbol === undefined) return undefined;
  try {
    return new Demangler(symbol).path();
  } catch (error) {
    if (!(error instanceof NotMangled)) throw error;
    return undefined;
  }
}

class Demangler {
  readonly #symbol: string;
  #at = 0;
  #depth = 0;
  // Back references can double what is written with each step.
  #steps = 0;

  constructor(symbol: string) {
    this.#symbol = symbol;
  }

  path(isType = false): string {
    return this.#nested(() => {
      const tag = this.#next();
      switch (tag) {
        case "C":
          this.#disambiguator();
          return this.#name();
        case "M":
          this.#implementation();
          return `<${this.#type()}>`;
        case "X":
          this.#implementation();
          return this.#asTrait();
        case "Y":
          return this.#asTrait();
        case "N":
          return this.#inNamespace();
        case "I":
          return `${this.path()}${isType ? "" : "::"}<${this.#list(() => this.#generic())}>`;
        case "B":
          return this.#backReference(() => this.path(isType));
        default:
          throw new NotMangled();
      }
    });
  }

  #implementation(): void {
    this.#disambiguator();
    this.path();
  }

  #asTrait(): string {
    const type = this.#type();
    return `<${type} as ${this.path(true)}>`;
  }

  #inNamespace(): string {
    const namespace = this.#next();
    const parent = this.path();
    const which = this.#disambiguator();
    const name = this.#name();
    // Closures and shims are told by a capital letter, and have a number in place of a name.
    if (namespace === "C") return `${parent}::{closure#${which}}`;
    return name === "" ? parent : `${parent}::${name}`;
  }

  #generic(): string {
    if (this.#take("L")) return this.#lifetime();
    if (this.#take("K")) return this.#constant();
    return this.#type();
  }

  #lifetime(): string {
    this.#base62();
    return "'_";
  }

  #constant(): string {
    if (this.#take("B")) return this.#backReference(() => this.#constant());
    if (this.#take("p")) return "_";
    this.#next();
    const end = this.#symbol.indexOf("_", this.#at);
    if (end === -1) throw new NotMangled();
    this.#at = end + 1;
    return "_";
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#peek();
      const basic = BASIC[tag];
      if (basic === undefined) return this.#largerType(tag);
      this.#at += 1;
      return basic;
    });
  }

  #largerType(tag: string): string {
    if (!"ASTRQPOFDB".includes(tag) || tag === "") return this.path(true);
    this.#at += 1;
    switch (tag) {
      case "A": {
        const element = this.#type();
        return `[${element}; ${this.#constant()}]`;
      }
      case "S":
        return `[${this.#type()}]`;
      case "T":
        return `(${this.#list(() => this.#type())})`;
      case "R":
      case "Q":
        if (this.#take("L")) this.#lifetime();
        return `&${tag === "Q" ? "mut " : ""}${this.#type()}`;
      case "P":
      case "O":
        return `*${tag === "O" ? "mut" : "const"} ${this.#type()}`;
      case "F":
        return this.#functionType();
      case "D":
        return this.#dynamic();
      default:
        return this.#backReference(() => this.#type());
    }
  }

  #functionType(): string {
    if (this.#take("G")) this.#base62();
    this.#take("U");
    if (this.#take("K") && !this.#take("C")) this.#name();
    const params = this.#list(() => this.#type());
    const result = this.#type();
    return `fn(${params})${result === "()" ? "" : ` -> ${result}`}`;
  }

  #dynamic(): string {
    if (this.#take("G")) this.#base62();
    const traits: string[] = [];
    while (!this.#take("E")) {
      traits.push(this.path(true));
      while (this.#take("p")) {
        this.#name();
        this.#type();
      }
    }
    if (this.#take("L")) this.#lifetime();
    return `dyn ${traits.join(" + ")}`;
  }

  #list(item: () => string): string {
    const items: string[] = [];
    while (!this.#take("E")) items.push(item());
    return items.join(", ");
  }

  #disambiguator(): number {
    return this.#take("s") ? this.#base62() + 1 : 0;
  }

  #name(): string {
    const encoded = this.#take("u");
    const digits = /^(?:0|[1-9]\d{0,4})/.exec(this.#symbol.slice(this.#at, this.#at + 5))?.[0];
    if (digits === undefined) throw new NotMangled();
    this.#at += digits.length;
    this.#take("_");
    const end = this.#at + Number(digits);
    if (end > this.#symbol.length) throw new NotMangled();
    const name = this.#symbol.slice(this.#at, end);
    this.#at = end;
    // Punycode; nobody has been seen to write such functions.
    return encoded ? `{${name}}` : name;
  }

  #base62(): number {
    const digits = /^[\da-zA-Z]{0,20}_/.exec(this.#symbol.slice(this.#at, this.#at + 21))?.[0];
    if (digits === undefined) throw new NotMangled();
    this.#at += digits.length;
    if (digits === "_") return 0;
    let value = 0;
    for (const digit of digits.slice(0, -1)) value = value * 62 + DIGITS.indexOf(digit);
    return value + 1;
  }

  #backReference(read: () => string): string {
    const target = this.#base62();
    const back = this.#at;
    if (target >= back) throw new NotMangled();
    this.#at = target;
    const text = this.#nested(read);
    this.#at = back;
    return text;
  }

  #nested(read: () => string): string {
    this.#depth += 1;
    this.#steps += 1;
    if (this.#depth > MOST_DEPTH || this.#steps > MOST_STEPS) throw new NotMangled();
    const text = read();
    this.#depth -= 1;
    return text;
  }

  #peek(): string {
    return this.#symbol[this.#at] ?? "";
  }

  #next(): string {
    const tag = this.#peek();
    this.#at += 1;
    return tag;
  }

  #take(tag: string): boolean {
    if (this.#peek() !== tag) return false;
    this.#at += 1;
    return true;
  }
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
