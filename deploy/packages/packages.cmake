# What CPack is told of the packages.
set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME vestibule)
set(CPACK_PACKAGE_VERSION ${VESTIBULE_PACKAGE_VERSION})
set(CPACK_PACKAGE_CONTACT "Vestibule maintainers <maintainers@vestibule.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL vestibule-rproxyd vestibule-turnd vestibule-setup)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(needs "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")

set(CPACK_DEBIAN_VESTIBULE-RPROXYD_PACKAGE_NAME vestibule-rproxyd)
set(CPACK_DEBIAN_VESTIBULE-RPROXYD_PACKAGE_DEPENDS ${needs})
set(CPACK_DEBIAN_VESTIBULE-RPROXYD_PACKAGE_RECOMMENDS logrotate)
set(CPACK_DEBIAN_VESTIBULE-RPROXYD_PACKAGE_SUGGESTS "vestibule-turnd, vestibule-setup, prometheus")
set(CPACK_COMPONENT_VESTIBULE-RPROXYD_DESCRIPTION "HTTPS reverse proxy for conferencing nodes
Puts the web clients and the client API of video conferencing nodes before
the Internet: HTTP/1.1 and HTTP/2, event streams and WebSockets, health
checks, clients that stay at their node, a guard against the guessing of
PINs.

Nothing starts before /etc/vestibule/rproxyd.json is there. An upgrade lets
the new version take over from the running one, without cutting anybody.")

set(CPACK_DEBIAN_VESTIBULE-TURND_PACKAGE_NAME vestibule-turnd)
set(CPACK_DEBIAN_VESTIBULE-TURND_PACKAGE_DEPENDS ${needs})
set(CPACK_DEBIAN_VESTIBULE-TURND_PACKAGE_SUGGESTS "vestibule-rproxyd, vestibule-setup, prometheus")
set(CPACK_COMPONENT_VESTIBULE-TURND_DESCRIPTION "TURN and STUN server for conferencing nodes
Relays the media of calls between clients and video conferencing nodes, over
UDP, TCP, TLS and DTLS (RFC 8656, 8489, 6062, 8016), and tells clients their
public address.

Nothing starts before /etc/vestibule/turnd.json is there. An upgrade lets
the new version take over from the running one, and calls in progress go on.")

set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_NAME vestibule-setup)
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_DEPENDS "python3 (>= 3.11), openssl")
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_RECOMMENDS "vestibule-rproxyd, vestibule-turnd")
set(CPACK_COMPONENT_VESTIBULE-SETUP_DESCRIPTION "configuration wizard for Vestibule's reverse proxy and TURN server
Asks what the setup of a conferencing reverse proxy asks, checks the
answers, and writes the configuration of vestibule-rproxyd and vestibule-
turnd; on a dedicated machine also network interfaces, time servers and the
firewall.

It also reads what another proxy, nginx or coturn was configured with.")

foreach(daemon rproxyd turnd)
  string(TOUPPER vestibule-${daemon} component)
  set(control ${made}/vestibule-${daemon}/control)
  set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA ${control}/postinst ${control}/prerm ${control}/postrm)
endforeach()
list(APPEND CPACK_DEBIAN_VESTIBULE-RPROXYD_PACKAGE_CONTROL_EXTRA ${made}/vestibule-rproxyd/control/conffiles)
set(CPACK_DEBIAN_VESTIBULE-SETUP_PACKAGE_CONTROL_EXTRA ${made}/vestibule-setup/control/prerm)

include(CPack)
