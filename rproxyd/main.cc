// rproxyd: reads its command line and runs.
#include "libcore/program/command_line.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/daemon.h"

int main(int argc, char** argv) {
  program::CommandLine command("rproxyd", "HTTPS reverse proxy for conferencing nodes");
  if (const auto exit_code = command.parse(argc, argv)) return *exit_code;
  return command.run(rproxyd::load, rproxyd::run_daemon);
}
