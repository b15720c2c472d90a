import { FAULT } from "../errno.ts";

const NO_MEMORY = new ArrayBuffer(0);

/**
 * The running guest's memory as host calls see it. Every address and length comes from the guest and
 * is checked: what is not wholly inside the memory throws FAULT. Addresses may be given as wasm gives
 * them, signed.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | null = null;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(NO_MEMORY);
  #view = new DataView(NO_MEMORY);
  #byteLength = 0;
  /** Whether nobody tells of a growth, so that every look has to ask: a native call each time. */
  #asks = false;

  attach(memory: WebAssembly.Memory | null): void {
    this.#memory = memory;
    this.#asks = memory !== null;
    this.#refresh(memory === null ? NO_MEMORY : memory.buffer);
  }

  /** From now on `grown` is called after every growth; the guest has so many bytes, its memory may have more. */
  willBeTold(byteLength: number): void {
    this.#asks = false;
    this.grown(byteLength);
  }

  grown(byteLength: number): void {
    if (this.#memory !== null) this.#refresh(this.#memory.buffer);
    this.#byteLength = byteLength;
  }

  /** A window on the guest's bytes, good until the guest runs again. */
  slice(address: number, length: number): Uint8Array<ArrayBuffer> {
    const at = this.#check(address, length >>> 0);
    return this.#bytes.subarray(at, at + (length >>> 0));
  }

  u32(address: number): number {
    const at = this.#check(address, 4);
    return this.#view.getUint32(at, true);
  }

  u64(address: number): bigint {
    const at = this.#check(address, 8);
    return this.#view.getBigUint64(at, true);
  }

  u16(address: number): number {
    const at = this.#check(address, 2);
    return this.#view.getUint16(at, true);
  }

  u8(address: number): number {
    const at = this.#check(address, 1);
    return this.#view.getUint8(at);
  }

  setU8(address: number, value: number): void {
    const at = this.#check(address, 1);
    this.#view.setUint8(at, value);
  }

  setU16(address: number, value: number): void {
    const at = this.#check(address, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(address: number, value: number): void {
    const at = this.#check(address, 4);
    this.#view.setUint32(at, value, true);
  }

  setU64(address: number, value: bigint): void {
    const at = this.#check(address, 8);
    this.#view.setBigUint64(at, value, true);
  }

  /**
   * The address as a whole number, if `length` bytes from it are all in the memory. To be called before
   * the view is read: it exchanges the view after a growth.
   */
  #check(address: number, length: number): number {
    // A growth detaches the buffer that was there before.
    if (this.#asks && this.#memory!.buffer !== this.#bytes.buffer) {
      this.#refresh(this.#memory!.buffer);
    }
    const at = address >>> 0;
    if (at + length > this.#byteLength) throw FAULT;
    return at;
  }

  #refresh(buffer: ArrayBuffer): void {
    this.#bytes = new Uint8Array(buffer);
    this.#byteLength = buffer.byteLength;
    this.#view = new DataView(buffer);
  }
}
