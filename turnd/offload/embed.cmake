# Writes OUTPUT, a source with the bytes of the file PROGRAM: cmake -DPROGRAM=… -DOUTPUT=… -P embed.cmake
file(READ ${PROGRAM} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "// Made of turnd/offload/program.bpf.c.
#include \"turnd/offload/program_bytes.h\"

namespace turnd {
namespace {

alignas(8) constexpr std::uint8_t kProgram[] = {
${bytes}
};

} // namespace

core::Bytes offload_program_bytes() { return kProgram; }

} // namespace turnd
")
