// Takes webhooks whose sender signs the body, as GitHub and many others do: the header
// `x-hub-signature-256` holds `sha256=` and the HMAC of the raw body in hexadecimal.
#include "nexus.h"
#include "sha256.h"

// The request's body as its sender wrote it, byte for byte.
static nexus_text request_body(nexus_text event) {
  nexus_text binary = nexus_string(nexus_at(event, "data.body_base64"));
  return binary.at == NULL ? nexus_string(nexus_at(event, "data.body")) : nexus_base64(binary);
}

// Compares all characters whatever they are: the time taken tells nothing about the right signature.
static bool is_signed(nexus_text signature, nexus_text body, const char *secret) {
  uint8_t digest[SHA256_DIGEST];
  hmac_sha256(secret, body.at, body.length, digest);
  char expected[7 + 2 * SHA256_DIGEST + 1] = "sha256=";
  for (int i = 0; i < SHA256_DIGEST; i++) sprintf(expected + 7 + 2 * i, "%02x", digest[i]);
  if (signature.at == NULL || signature.length != sizeof expected - 1) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < signature.length; i++) difference |= (unsigned char)(signature.at[i] ^ expected[i]);
  return difference == 0;
}

// A CGI response (RFC 3875, section 6): header lines, an empty line, the body.
static void answer(const char *status, const char *json) {
  printf("Status: %s\nContent-Type: application/json\n\n%s\n", status, json);
}

int main(void) {
  const char *secret = getenv("WEBHOOK_SECRET");
  if (secret == NULL || *secret == '\0') {
    fputs("WEBHOOK_SECRET is not set: see env in nexus.yaml\n", stderr);
    return 1;
  }
  nexus_text event = nexus_read_event();
  nexus_text headers = nexus_at(event, "data.headers");
  nexus_text signature = nexus_string(nexus_member(headers, "x-hub-signature-256"));
  nexus_text body = request_body(event);

  // A wrong signature is an answer, not a failure: trying again would not make it right.
  if (!is_signed(signature, body, secret)) {
    fprintf(stderr, "refused a body of %zu bytes: %s signature\n", body.length,
            signature.at == NULL ? "no" : "wrong");
    answer("401 Unauthorized", "{\"error\":\"the signature is missing or wrong\"}");
    return 0;
  }
  fprintf(stderr, "accepted a body of %zu bytes\n", body.length);
  answer("200 OK", "{\"verified\":true}");
  return 0;
}
