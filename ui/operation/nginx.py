"""What nginx is told: which replicas there are, which of them a reader stays with, and what is asked again elsewhere.

A page's conversation lives in the replica that it began with, so a reader is sent to the same one each time: by a
cookie that nginx sets, or by the address where a browser keeps no cookie, as in another site's frame. Programs that
call the API keep nothing there and go to whichever replica has the fewest requests. Asking changes nothing, so a
question whose replica goes away or ends before it answers is put to another; other requests only where the first never
received them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from ui.places import GRACE

COOKIE = "visavis_replica"
LARGEST_BODY = "8m"

_MAIN = """\
# Written by `visavis replicas`.
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 2;
worker_rlimit_nofile 16384;
worker_shutdown_timeout {shutdown}s;
{user}
events {{
    worker_connections 8192;
}}

http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}}}
"""

_SITE = """\
    access_log off;  # what is asked is nobody's but the asker's
    error_log stderr emerg;  # any lesser line holds the whole address, and with it what was searched for
    server_tokens off;
    client_max_body_size {body};
    client_body_buffer_size 256k;

    # A reader stays with a replica: by the cookie, or by the address where the browser keeps none.
    map $cookie_{cookie} $visavis_reader {{
        ""      $remote_addr;
        default $cookie_{cookie};
    }}
    map $http_x_forwarded_proto $visavis_scheme {{
        default $scheme;
        https   https;
    }}
    map $visavis_scheme $visavis_secure {{
        default "";
        https   "; Secure";
    }}
    map $cookie_{cookie} $visavis_cookie {{
        ""      "{cookie}=$request_id; Path=/; HttpOnly; SameSite=Lax$visavis_secure";
        default "";
    }}

    upstream visavis_pages {{
        hash $visavis_reader consistent;
{servers}    }}
    upstream visavis_questions {{
        least_conn;
{servers}    }}
    # Where 503 is asked again elsewhere no replica is skipped for it: all may say it, for the record is away.
    upstream visavis_saved {{
        hash $visavis_reader consistent;
{unskipped}    }}
    upstream visavis_asked {{
        least_conn;
{unskipped}    }}

    server {{
        listen {listen};

        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $visavis_scheme;
        proxy_connect_timeout 2s;
        proxy_read_timeout 3600s;  # as long as a model may write, and a page stand open
        proxy_buffering off;  # answers come as they are written
        proxy_next_upstream error timeout;
        error_page 502 504 = @away;

        location / {{
            add_header Set-Cookie $visavis_cookie;
            proxy_pass http://visavis_pages;
        }}
        # Asked twice, a question has the same answer; the record may then hold it twice. 503 is a replica that ends.
        location ~ /api/v1/(ask|export)$ {{
            proxy_next_upstream error timeout http_503 non_idempotent;
            proxy_pass http://visavis_asked;
        }}
        location ~ /api/v1/ {{  # the first expression that fits is taken
            proxy_pass http://visavis_questions;
        }}
        location ~ /save$ {{
            proxy_next_upstream error timeout http_503 non_idempotent;
            proxy_pass http://visavis_saved;
        }}
        # Each replica has its own numbers, on its own port.
        location ~ /metrics$ {{
            return 404;
        }}
        location @away {{
            default_type application/problem+json;
            add_header Retry-After 5 always;
            return 503 '{problem}';
        }}
    }}
"""

_PROBLEM = (
    '{"type":"about:blank","title":"Service Unavailable","status":503,'
    '"detail":"no replica answers now. Ask again in a few seconds."}'
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where nginx listens, and the replicas behind it, each as `host:port`."""

    listen: str
    replicas: Sequence[str]

    def text(self) -> str:
        """The part of a configuration that belongs between `http {` and `}`."""
        # Skipped for a while after one failure: a replica that is gone is not tried again for each request.
        return _SITE.format(
            body=LARGEST_BODY,
            cookie=COOKIE,
            servers=self._servers("max_fails=1 fail_timeout=2s"),
            unskipped=self._servers("max_fails=0"),
            listen=self.listen,
            problem=_PROBLEM,
        )

    def _servers(self, skipped: str) -> str:
        return "".join(f"        server {one} {skipped};\n" for one in self.replicas)


def write_configuration(site: Site, folder: Path, user: str = "", seconds: float = GRACE) -> str:
    """A whole configuration for an nginx in the foreground, whose own files lie in `folder`; `user` is its workers'.

    Told to quit, it gives answers under way so many seconds.
    """
    named = f"user {user};" if user else ""
    return _MAIN.format(folder=folder, user=named, shutdown=ceil(seconds), site=site.text())
