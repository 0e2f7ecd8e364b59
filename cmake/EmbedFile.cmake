# nanogrid_embed(target namespace_symbol file): puts the bytes of `file` into the target as
# `extern const char <symbol>_begin[], <symbol>_end[]` (C linkage).
function(nanogrid_embed target symbol file)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cc)
  set(text "// Made by EmbedFile.cmake.
__asm__(\".pushsection .rodata\\n\"
        \".hidden ${symbol}_begin\\n.hidden ${symbol}_end\\n\"
        \".global ${symbol}_begin\\n.global ${symbol}_end\\n\"
        \".balign 16\\n${symbol}_begin:\\n\"
        \".incbin \\\"${file}\\\"\\n\"
        \"${symbol}_end:\\n.byte 0\\n.popsection\\n\");
")
  file(CONFIGURE OUTPUT ${generated} CONTENT "${text}" @ONLY)
  set_source_files_properties(${generated} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${generated})
endfunction()
