// A bare module: no WASI, no library. The platform asks for room, writes the event there, and calls
// `handle_event`, which says where its answer is: the address in the upper half, the length in the lower.
typedef unsigned char byte;
typedef unsigned int word; // an address or a length: 32 bits

extern byte __heap_base; // the first free address, set by the linker

__attribute__((export_name("alloc"))) word alloc(word length) {
  word address = (word)(unsigned long)&__heap_base;
  word pages = (address + length + 65535) / 65536, have = __builtin_wasm_memory_size(0);
  // An instance serves one event: the room behind the heap's base is free, and nothing has to be given back.
  if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (unsigned long)-1) __builtin_trap();
  return address;
}

static byte answer[64];

static word put(word at, const char *text) {
  while (*text) answer[at++] = (byte)*text++;
  return at;
}

static word put_number(word at, word number) {
  if (number >= 10) at = put_number(at, number / 10);
  answer[at] = (byte)('0' + number % 10);
  return at + 1;
}

__attribute__((export_name("handle_event"))) unsigned long long handle_event(word event, word length) {
  (void)event;
  word end = put(put_number(put(0, "{\"shape\":\"bare\",\"bytes\":"), length), "}");
  return (unsigned long long)(unsigned long)answer << 32 | end;
}
