// rproxyd: reads its command line and runs.
#include "libcore/program/command_line.h"
#include "rproxyd/shell/daemon.h"
#include "rproxyd/shell/load.h"

int main(int argc, char** argv) {
  program::CommandLine command("rproxyd", "HTTPS reverse proxy for conferencing nodes");
  if (const auto exit_code = command.parse(argc, argv)) return *exit_code;
  return command.run(rproxyd::load_usable, rproxyd::run_daemon);
}
