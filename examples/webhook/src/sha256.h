// SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over it.
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SHA256_BLOCK = 64, SHA256_DIGEST = 32 };

typedef struct {
  uint32_t state[8];
  uint8_t block[SHA256_BLOCK];
  uint64_t length;
} sha256;

static inline uint32_t sha256_rotate(uint32_t word, int by) { return word >> by | word << (32 - by); }

static inline void sha256_start(sha256 *hash) {
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, first, sizeof first);
  hash->length = 0;
}

static inline void sha256_mix(sha256 *hash) {
  static const uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = hash->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (sha256_rotate(a, 7) ^ sha256_rotate(a, 18) ^ a >> 3) +
           (sha256_rotate(b, 17) ^ sha256_rotate(b, 19) ^ b >> 10);
  }
  memcpy(s, hash->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = sha256_rotate(s[4], 6) ^ sha256_rotate(s[4], 11) ^ sha256_rotate(s[4], 25);
    uint32_t a = sha256_rotate(s[0], 2) ^ sha256_rotate(s[0], 13) ^ sha256_rotate(s[0], 22);
    uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
    uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static inline void sha256_add(sha256 *hash, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  for (; length > 0; length--) {
    hash->block[hash->length++ % SHA256_BLOCK] = *at++;
    if (hash->length % SHA256_BLOCK == 0) sha256_mix(hash);
  }
}

static inline void sha256_end(sha256 *hash, uint8_t digest[SHA256_DIGEST]) {
  uint64_t bits = hash->length * 8;
  sha256_add(hash, "\x80", 1);
  while (hash->length % SHA256_BLOCK != 56) sha256_add(hash, "", 1);
  for (int shift = 56; shift >= 0; shift -= 8) sha256_add(hash, &(uint8_t){(uint8_t)(bits >> shift)}, 1);
  for (int i = 0; i < SHA256_DIGEST; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

static inline void hmac_sha256(const char *key, const void *bytes, size_t length,
                               uint8_t digest[SHA256_DIGEST]) {
  uint8_t block[SHA256_BLOCK] = {0};
  sha256 hash;
  size_t key_length = strlen(key);
  if (key_length > sizeof block) {
    sha256_start(&hash);
    sha256_add(&hash, key, key_length);
    sha256_end(&hash, block);
  } else {
    memcpy(block, key, key_length);
  }
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36;
  sha256_start(&hash);
  sha256_add(&hash, block, sizeof block);
  sha256_add(&hash, bytes, length);
  sha256_end(&hash, digest);
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36 ^ 0x5c;
  sha256_start(&hash);
  sha256_add(&hash, block, sizeof block);
  sha256_add(&hash, digest, SHA256_DIGEST);
  sha256_end(&hash, digest);
}

#endif
