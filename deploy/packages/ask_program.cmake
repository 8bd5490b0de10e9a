# cmake -P: PROGRAM's completions into BASH and ZSH; its manual PAGE, which is FRAME with the program's
# own sections and VERSION.
set(manual ${PAGE}.sections)
execute_process(COMMAND ${PROGRAM} manual OUTPUT_FILE ${manual} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} completion bash OUTPUT_FILE ${BASH} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} completion zsh OUTPUT_FILE ${ZSH} COMMAND_ERROR_IS_FATAL ANY)
file(READ ${manual} sections)
file(READ ${FRAME} page)
string(REPLACE "@VERSION@" "${VERSION}" page "${page}")
string(REPLACE "@COMMANDS@\n" "${sections}" page "${page}")
file(WRITE ${PAGE} "${page}")
