# What `cmake --install` puts where: the command with its man pages and completions, both libraries, the headers,
# and how others find them (a CMake package with the component `static`, and inkling.pc).
include(CMakePackageConfigHelpers)

set(ink_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/inkling)

# The command finds the library beside itself wherever the prefix is moved to.
file(RELATIVE_PATH ink_libdir_from_bindir ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_target_properties(inkling PROPERTIES INSTALL_RPATH "$ORIGIN/${ink_libdir_from_bindir}")
set_target_properties(inkling_shared PROPERTIES EXPORT_NAME inkling)

install(TARGETS inkling RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET pages)
    install(DIRECTORY ${PROJECT_BINARY_DIR}/pages/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(FILES ${PROJECT_BINARY_DIR}/pages/inkling.bash RENAME inkling
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${PROJECT_BINARY_DIR}/pages/_inkling DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()

# Two sets of targets, because only users of the static library need the packages it is made of.
foreach(kind shared static)
    install(TARGETS inkling_${kind} EXPORT inkling-${kind}
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT inkling-${kind} NAMESPACE inkling:: FILE inkling-${kind}.cmake DESTINATION ${ink_package_dir})
endforeach()
configure_package_config_file(cmake/inklingConfig.cmake.in ${PROJECT_BINARY_DIR}/inklingConfig.cmake
                              INSTALL_DESTINATION ${ink_package_dir})
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/inklingConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/inklingConfig.cmake ${PROJECT_BINARY_DIR}/inklingConfigVersion.cmake
        DESTINATION ${ink_package_dir})

# The prefix is known when it is installed (cmake --install --prefix); for one that has been moved since then
# there is pkg-config --define-prefix. What the library is made of is named by -l and not by Requires.private,
# which pkg-config wants to find even for a shared link.
set(ink_pc_prefix "@CMAKE_INSTALL_PREFIX@")
configure_file(cmake/inkling.pc.in ${PROJECT_BINARY_DIR}/inkling.pc.in @ONLY)
install(CODE "configure_file(\"${PROJECT_BINARY_DIR}/inkling.pc.in\" \"${PROJECT_BINARY_DIR}/inkling.pc\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/inkling.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
