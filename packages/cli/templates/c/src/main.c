#include "nexus.h"

int main(void) {
  nexus_text event = nexus_read_event();
  nexus_text name = nexus_string(nexus_at(event, "data.name"));
  if (name.at == NULL || name.length == 0) {
    fputs("the event has no \"data.name\"\n", stderr);
    return 1;
  }

  fprintf(stderr, "greeting %s\n", name.at);
  fputs("{\"greeting\":\"Hello, ", stdout);
  nexus_write_escaped(stdout, name);
  fputs("!\"}", stdout);
  return 0;
}
