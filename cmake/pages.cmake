# cmake -DINKLING=COMMAND -DOUT=FOLDER -P pages.cmake: the man pages and completions, which the command prints from
# its own option tables.
function(ink_print file)
    execute_process(COMMAND ${INKLING} ${ARGN} OUTPUT_FILE ${OUT}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/man1)
ink_print(inkling.bash completion bash)
ink_print(_inkling completion zsh)

execute_process(COMMAND ${INKLING} help OUTPUT_VARIABLE overview COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE ".*\nverbs:\n(.*)\n\n.*inkling help VERB.*" "\\1" verbs "${overview}")
string(REGEX MATCHALL "(^|\n)  [a-z-]+ " verbs "${verbs}")
foreach(verb ${verbs})
    string(STRIP "${verb}" verb)
    ink_print(man1/inkling-${verb}.1 help --man ${verb})
endforeach()
ink_print(man1/inkling.1 help --man) # last: the build takes it as the sign that all are there
