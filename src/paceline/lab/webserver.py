"""The web server's configuration at the notes' own paths, for any Apache 2.4. Pure.

Distributions differ in which modules are built in and where the others are; `IfModule` and `IfFile`
let one file serve all of them.
"""

from pathlib import Path

# In this order: a module may need an earlier one.
_MODULES = (
    "mpm_event",
    "log_config",
    "unixd",
    "authn_core",
    "authz_core",
    "authz_host",
    "access_compat",
    "alias",
    "autoindex",
    "dir",
    "env",
    "headers",
    "mime",
    "rewrite",
    "setenvif",
    "status",
    "version",
)
MODULE_FOLDERS = (
    Path("/usr/lib/apache2/modules"),
    Path("/usr/lib64/httpd/modules"),
    Path("/usr/lib/httpd/modules"),
)


def httpd_conf(*, server_name: str, user: str, group: str) -> str:
    """Return /etc/httpd/conf/httpd.conf; /etc/httpd/modules is a link to the modules."""
    loads = "".join(
        f"<IfModule !{name}_module>\n"
        f"    <IfFile modules/mod_{name}.so>\n"
        f"        LoadModule {name}_module modules/mod_{name}.so\n"
        "    </IfFile>\n"
        "</IfModule>\n"
        for name in _MODULES
    )
    return f"""# The web server of a lab's node.
ServerRoot "/etc/httpd"
ServerName {server_name}
Listen 80
PidFile /run/httpd/httpd.pid
User {user}
Group {group}

{loads}
<IfFile /etc/mime.types>
    TypesConfig /etc/mime.types
</IfFile>
ErrorLog /var/log/httpd/error_log
LogLevel warn
DocumentRoot "/var/www/html"
DirectoryIndex index.html

# One process is enough for a lab.
StartServers 1
ServerLimit 4
ThreadsPerChild 16
MinSpareThreads 8
MaxSpareThreads 32
MaxRequestWorkers 64

<Directory />
    AllowOverride none
    Require all denied
</Directory>
<Directory "/var/www/html">
    Options Indexes FollowSymLinks
    Require all granted
</Directory>

IncludeOptional conf.d/*.conf
"""
