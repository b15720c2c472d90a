// What every real function does and no more: reads its event to the end, answers. For benches.
const chunk = new ArrayBuffer(16384);
let bytes = new Uint8Array(16384);
let length = 0;
while (true) {
  const read = process.stdin.read(chunk);
  if (read <= 0) break;
  if (length + read > bytes.length) {
    const larger = new Uint8Array(length + read);
    larger.set(bytes);
    bytes = larger;
  }
  memory.copy(bytes.dataStart + length, changetype<usize>(chunk), read);
  length += read;
}
const event = String.UTF8.decodeUnsafe(bytes.dataStart, length);
process.stdout.write('{"bytes":' + String.UTF8.byteLength(event).toString() + "}");
