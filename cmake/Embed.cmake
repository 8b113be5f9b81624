# cmake -D OUT=file.cpp -D HEADER=path.h -D SCOPE=a::b -D NAME=f -D IN=file -P Embed.cmake: writes a source that defines
# std::string_view a::b::f(), the content of IN.
file(READ ${IN} content)
string(FIND "${content}" ")embedded\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "${IN} holds the end of a raw string")
endif()
file(WRITE ${OUT} "#include \"${HEADER}\"\n\nnamespace ${SCOPE} {\n\nstd::string_view ${NAME}() {\n  return R\"embedded(")
file(APPEND ${OUT} "${content}")
file(APPEND ${OUT} ")embedded\";\n}\n\n}  // namespace ${SCOPE}\n")
