import type { ApiToken, Scope } from "../core/api-token.ts";
import { covers, type Access } from "./access.ts";
import { addressKey, type AddressOf } from "./client-address.ts";
import type { HttpRequest } from "./http.ts";

/** Who sent a request, as far as can be told. Each answer is worked out when it is first asked for. */
export class Caller {
  readonly #request: HttpRequest;
  readonly #access: Access | undefined;
  readonly #addressOf: AddressOf;
  #tokens: readonly ApiToken[] | undefined;
  #address: string | undefined;

  constructor(request: HttpRequest, access: Access | undefined, addressOf: AddressOf) {
    this.#request = request;
    this.#access = access;
    this.#addressOf = addressOf;
  }

  /** Whether the request says nothing of who sends it. */
  get isAnonymous(): boolean {
    return this.#request.headers["authorization"] === undefined;
  }

  /** The tokens of this server that came with the request. */
  get tokens(): readonly ApiToken[] {
    if (this.#tokens !== undefined) return this.#tokens;
    const { authorization } = this.#request.headers;
    this.#tokens = authorization === undefined ? [] : (this.#access?.tokensIn(authorization) ?? []);
    return this.#tokens;
  }

  /** The address, cut down to what counts as one client. */
  get address(): string {
    this.#address ??= addressKey(
      this.#addressOf(this.#request.address, this.#request.headers["x-forwarded-for"]),
    );
    return this.#address;
  }

  /** Whether the caller may do what takes this scope: everybody may where no token is asked for. */
  may(scope: Scope): boolean {
    return this.#access === undefined || covers(this.tokens, scope);
  }
}
