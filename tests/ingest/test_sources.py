"""Finding the texts: the search path, changed files, and downloads from a real server on this machine."""

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ingest.download import Patience, Web, unpack
from ingest.errors import DownloadError, SourceChanged, SourceMissing, SourceUnreadable
from ingest.manifest import Manifest, load_manifest
from ingest.sources import (
    DEFAULT_PATIENCE,
    UpdateKind,
    check_updates,
    find_sources,
    official_hosts,
    search_path,
)

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
BRISK = Patience(knock=2.0, connect=1.0, read=0.4, attempts=3, pause=0.01, longest_pause=0.02)
PATH = "acts/sample.pdf"

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A server of one address, which gives its answers in turn and the last one from then on."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[BaseHTTPRequestHandler] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/act.pdf"

    def headers(self, name: str) -> list[str | None]:
        return [request.headers[name] for request in self.asked]


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def do_GET(self) -> None:
            served.asked.append(self)
            answer = served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def whole(body: bytes, kind: str = "application/pdf", status: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def broken_off(body: bytes, after: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:after])

    return answer


def in_parts(body: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        start = int((request.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if start else 200)
        request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start:])

    return answer


def redirected(location: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(303)
        request.send_header("Location", location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return packed.getvalue()


def manifest_of(*urls: str, catalogue: str = "", **changes: object) -> Manifest:
    tables: dict[str, object] = {
        "id": "sample-act",
        "instrument": "sample-act",
        "title": "A sample act",
        "short_title": "Sample",
        "language": "en",
        "version": "2024-07-12",
        "published": "2024-07-12",
        "format": "pdf",
        "authority": "law",
        "required": True,
        "celex": "32024R1689",
        "url": "https://example.org/act",
        "addresses": [{"url": url, "accept": "application/pdf", "accept_language": "eng"} for url in urls],
        "files": [{"path": PATH, "sha256": sha256(PDF).hexdigest()}],
        "licence": "free",
        "attribution": "us",
    }
    return Manifest.model_validate({"version": 1, "catalogue": catalogue or None, "source": [tables | changes]})


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, so that neither the real texts nor the user's cache are found."""
    data = tmp_path / "checkout" / "data"
    data.mkdir(parents=True)
    (data / "manifest.toml").touch()
    monkeypatch.setattr("ingest.sources.CHECKOUT", data)
    monkeypatch.delenv("VISAVIS_CORPUS", raising=False)
    return data


def lay(folder: Path, body: bytes = PDF, path: str = PATH) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    return file


def reason(manifest: Manifest, patience: Patience = BRISK) -> str:
    findings = find_sources(manifest, patience=patience)
    assert findings.found == ()
    (missing,) = findings.missing
    assert "\n" not in missing.text
    return missing.text


# Where is looked


def test_the_folders_in_their_order(checkout: Path, tmp_path: Path) -> None:
    path = search_path()
    assert path.folders[:2] == (checkout / "instruments", tmp_path / "shared" / "corpus")
    assert path.cache.parts[-2:] == ("visavis", "instruments")
    assert path.key == search_path().key
    assert len(path.key) == 12


def test_an_installed_program_has_its_cache_alone(checkout: Path) -> None:
    (checkout / "manifest.toml").unlink()
    assert search_path().folders == (search_path().cache,)


def test_the_first_folder_with_a_good_copy_wins(tmp_path: Path) -> None:
    folders = search_path().folders
    lay(folders[0], b"another")
    lay(folders[2])
    (found,) = find_sources(manifest_of(), offline=True).found
    assert found.folder == folders[2]
    assert found.hashes == (sha256(PDF).hexdigest(),)
    lay(folders[1])
    assert find_sources(manifest_of(), offline=True).found[0].paths == (folders[1] / PATH,)


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_folder_stands_alone(
    by_variable: bool, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answers = [whole(PDF)]
    lay(search_path().folders[0])
    named = tmp_path / "named"
    named.mkdir()
    if by_variable:
        monkeypatch.setenv("VISAVIS_CORPUS", str(named))
    findings = find_sources(manifest_of(site.url), None if by_variable else named)
    assert findings.path.folders == (named,)
    assert findings.found == ()
    assert site.asked == []
    assert str(named / PATH) in findings.missing[0].text
    lay(named)
    assert find_sources(manifest_of(site.url), named).get("sample-act") is not None


def test_a_named_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"corpus folder '.*nowhere' does not exist"):
        find_sources(manifest_of(), tmp_path / "nowhere")


def test_a_changed_file_is_named_and_used_only_when_accepted(tmp_path: Path) -> None:
    lay(tmp_path / "named", b"changed")
    findings = find_sources(manifest_of(), tmp_path / "named")
    assert (findings.found, findings.missing) == ((), ())
    assert f"Sample (sample-act) has changed: {PATH} in {tmp_path / 'named'}" in findings.changed[0].text
    assert "--accept-changed" in findings.changed[0].text
    with pytest.raises(SourceChanged):
        findings.require()
    accepted = find_sources(manifest_of(), tmp_path / "named", accept_changed=True)
    accepted.require()
    assert accepted.found[0].changed == (PATH,)
    assert accepted.found[0].hashes == (sha256(b"changed").hexdigest(),)


def test_what_is_required_and_what_is_not(tmp_path: Path) -> None:
    findings = find_sources(manifest_of(), tmp_path)
    with pytest.raises(SourceMissing, match=r"open https://example.org/act and save it as"):
        findings.require()
    find_sources(manifest_of(required=False), tmp_path).require()


def test_a_text_without_an_address_is_missing_with_its_link(site: Site) -> None:
    text = reason(manifest_of(remark="copyright of its publisher"))
    assert "(copyright of its publisher); open https://example.org/act" in text


def test_samples_that_are_nowhere_are_not_missing_and_not_fetched(site: Site) -> None:
    findings = find_sources(manifest_of(site.url, use="comparison"), patience=BRISK)
    assert (findings.found, findings.missing, findings.changed, site.asked) == ((), (), (), [])


def test_the_real_corpus_is_found_whole(corpus_dir: Path) -> None:
    findings = find_sources(load_manifest(), corpus_dir)
    findings.require()
    assert findings.changed == ()
    assert len(findings.found) == 18
    assert {absent.source.id for absent in findings.missing} == {
        "eu-ai-act-consolidated-2026-07-27",
        "coe-ai-convention-explanatory-report",
        "coe-ai-convention-fr",
    }


# Downloads


def test_a_download_ends_in_the_cache_and_is_made_once(site: Site) -> None:
    site.answers = [whole(PDF)]
    told: list[tuple[str, int, int]] = []
    findings = find_sources(
        manifest_of(site.url), progress=lambda what, done, total: told.append((what, done, total)), patience=BRISK
    )
    assert findings.found[0].paths[0].read_bytes() == PDF
    assert findings.found[0].folder == findings.path.cache
    assert told[-1] == ("sample-act", len(PDF), len(PDF))
    assert site.headers("Accept") == ["application/pdf"]
    assert site.headers("Accept-Language") == ["eng"]
    find_sources(manifest_of(site.url), patience=BRISK)
    assert len(site.asked) == 1


def test_a_truncated_body_is_resumed_where_it_broke(site: Site) -> None:
    site.answers = [broken_off(PDF, 4000), in_parts(PDF)]
    assert find_sources(manifest_of(site.url), patience=BRISK).found[0].hashes == (sha256(PDF).hexdigest(),)
    assert site.headers("Range") == [None, "bytes=4000-"]


def test_a_download_is_resumed_at_the_next_run(site: Site) -> None:
    site.answers = [broken_off(PDF, 4000), whole(b"", status=503)]
    assert "is busy: it answered 503" in reason(manifest_of(site.url))
    site.answers = [in_parts(PDF)]
    assert find_sources(manifest_of(site.url), patience=BRISK).found[0].hashes == (sha256(PDF).hexdigest(),)
    assert site.headers("Range")[-1] == "bytes=4000-"


def test_pieces_that_do_not_fit_are_fetched_anew(site: Site) -> None:
    lay(search_path().cache, b"%PDF-stale", ".parts/sample-act.part")
    site.answers = [in_parts(PDF)]
    assert find_sources(manifest_of(site.url), patience=BRISK).found[0].hashes == (sha256(PDF).hexdigest(),)
    assert site.headers("Range") == ["bytes=10-", None]


def test_a_body_that_is_always_truncated_is_missing(site: Site) -> None:
    site.answers = [broken_off(PDF, 100)]
    assert "the connection to 127.0.0.1 broke" in reason(manifest_of(site.url))
    assert len(site.asked) == BRISK.attempts


def test_a_wrong_hash_is_named_and_taken_only_when_accepted(site: Site) -> None:
    site.answers = [whole(PDF + b"changed")]
    assert "differs from the pinned sha256; --accept-changed would take it" in reason(manifest_of(site.url))
    assert not (search_path().cache / PATH).exists()
    accepted = find_sources(manifest_of(site.url), accept_changed=True, patience=BRISK)
    assert accepted.found[0].changed == (PATH,)
    assert find_sources(manifest_of(site.url), offline=True).changed != ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            whole(b"<html>Blocked</html>", "text/html", 403),
            "refuses automatic download: it answered 403 Forbidden with a",
        ),
        (whole(b"<!DOCTYPE html><p>Please wait", "text/html"), "answered with a web page in place of the document"),
        (whole(b"no PDF at all", "application/pdf"), "answered with something that is no PDF"),
        (whole(b"", "application/pdf"), "sent nothing"),
        (whole(b"gone", "text/plain", 404), "gives no document: it answered 404 Not Found"),
        (redirected("https://elsewhere.example/act.pdf"), "which is no official address of the manifest"),
        (redirected("file:///etc/passwd"), "which is no official address of the manifest"),
        (redirected("/act.pdf"), "redirects more than 5 times"),
        (silent, "did not answer in time"),
    ],
)
def test_what_a_site_may_do_instead(site: Site, answer: Answer, said: str) -> None:
    site.answers = [answer]
    assert said in reason(manifest_of(site.url))


def test_a_redirect_on_the_official_host_is_followed(site: Site) -> None:
    site.answers = [redirected("/elsewhere/act.pdf"), whole(PDF)]
    assert find_sources(manifest_of(site.url), patience=BRISK).found[0].hashes == (sha256(PDF).hexdigest(),)
    assert [request.path for request in site.asked] == ["/act.pdf", "/elsewhere/act.pdf"]


def test_a_redirect_to_plain_http_is_followed_over_tls() -> None:
    with Web(["publications.europa.eu"], BRISK) as web:
        url = httpx.URL("https://publications.europa.eu/resource/celex/32024R1689")
        assert str(web._next(url, "http://publications.europa.eu:80/x")) == "https://publications.europa.eu/x"


def test_the_next_address_is_tried(site: Site) -> None:
    site.answers = [whole(b"gone", status=404), whole(PDF)]
    findings = find_sources(manifest_of(site.url, f"{site.url}?again"), patience=BRISK)
    assert findings.found[0].hashes == (sha256(PDF).hexdigest(),)


def test_a_first_download_is_pinned_with_its_date(site: Site) -> None:
    manifest = manifest_of(site.url, files=[{"path": PATH, "sha256": ""}])
    site.answers = [whole(PDF)]
    (found,) = find_sources(manifest, patience=BRISK).found
    assert found.first_seen == date(2026, 11, 23)
    lay(found.folder, PDF + b"edited")
    assert PATH in find_sources(manifest, offline=True).changed[0].text
    lay(found.folder, b"}", f"{PATH}.first-seen.json")
    with pytest.raises(SourceUnreadable, match="cannot be read; remove both"):
        find_sources(manifest, offline=True)


def test_a_cache_that_cannot_be_written_is_named(site: Site) -> None:
    site.answers = [whole(PDF)]
    lay(search_path().cache.parent, b"a file where the folder should be", "instruments")
    assert "cannot be written" in reason(manifest_of(site.url))


# Archives

FORMEX = {"L_1.fmx.xml": b"<ACT/>", "L_2.fmx.xml": b"<ANNEX/>"}


def formex_manifest(url: str) -> Manifest:
    files = [{"path": f"act/{name}", "sha256": sha256(body).hexdigest()} for name, body in FORMEX.items()]
    return manifest_of(url, format="formex", files=files)


def test_a_formex_archive_is_unpacked(site: Site) -> None:
    site.answers = [whole(zipped(FORMEX | {"L_toc.fmx.xml": b"<TOC/>"}), "application/zip")]
    findings = find_sources(formex_manifest(site.url), patience=BRISK)
    assert [path.read_bytes() for path in findings.found[0].paths] == list(FORMEX.values())
    assert not (findings.path.cache / "act" / "L_toc.fmx.xml").exists()
    assert list((findings.path.cache / ".parts").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (zipped(FORMEX | {"../../evil.xml": b"x"}), "a place outside of itself"),
        (zipped(FORMEX | {"..\\evil.xml": b"x"}), "a place outside of itself"),
        (zipped(FORMEX | {"/etc/evil.xml": b"x"}), "a place outside of itself"),
        (zipped({"L_1.fmx.xml": b"<ACT/>"}), "does not hold 'L_2.fmx.xml'"),
        (zipped(FORMEX)[:-30], "no archive that can be unpacked"),
        (b"PK\x03\x04 nothing", "no archive that can be unpacked"),
        (zipped(FORMEX | {"L_2.fmx.xml": b"<CHANGED/>"}), "differs from the pinned sha256"),
    ],
)
def test_bad_archives_leave_nothing_behind(site: Site, body: bytes, said: str) -> None:
    site.answers = [whole(body, "application/zip")]
    assert said in reason(formex_manifest(site.url))
    assert [path for path in search_path().cache.rglob("*.xml")] == []


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.download.MAX_BYTES", 2**20)
    bomb = lay(tmp_path, zipped({"a.xml": bytes(2**20 + 1)}), "bomb.zip")
    with pytest.raises(DownloadError, match="unpacks to more than 1 MB"):
        unpack(bomb, ["a.xml"], tmp_path)


def test_a_body_without_end_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.download.MAX_BYTES", 5000)
    site.answers = [whole(PDF)]
    assert "gives more than" in reason(manifest_of(site.url))


# Without a network


def test_with_nobody_there_the_search_ends_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    before = time.monotonic()
    assert "no connection to 127.0.0.1" in reason(manifest_of(f"http://127.0.0.1:{port}/"), DEFAULT_PATIENCE)
    assert time.monotonic() - before < 3


def test_hosts_that_never_answer_are_waited_for_once_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()

    def hanging(*_: object, **__: object) -> None:
        given_up.wait(30)
        raise socket.gaierror("no name server")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    (source,) = manifest_of().sources
    many = [
        manifest_of(
            f"https://host{n}.example/a.pdf",
            f"https://other{n}.example/b.pdf",
            id=f"act-{n}",
            files=[{"path": f"{n}.pdf"}],
        ).sources[0]
        for n in range(6)
    ]
    before = time.monotonic()
    findings = find_sources(Manifest(version=1).extended([source, *many]), patience=Patience(knock=0.5))
    assert time.monotonic() - before < 2
    given_up.set()
    assert len(findings.missing) == 7
    assert "no connection to other5.example" in findings.missing[-1].text


def test_the_default_knock_keeps_the_promise_of_ten_seconds() -> None:
    assert DEFAULT_PATIENCE.knock <= 8


def test_a_host_that_stops_answering_is_asked_no_more(site: Site) -> None:
    site.answers = [silent]
    two = manifest_of(site.url).extended(manifest_of(site.url, id="second", files=[{"path": "b.pdf"}]).sources)
    texts = [absent.text for absent in find_sources(two, patience=BRISK).missing]
    assert "did not answer in time" in texts[0]
    assert "no connection to 127.0.0.1" in texts[1]
    assert len(site.asked) == BRISK.attempts


@pytest.mark.parametrize("switch", ["offline", "download"])
def test_nobody_is_asked_when_downloads_are_off(site: Site, switch: str) -> None:
    site.answers = [whole(PDF)]
    manifest = manifest_of(site.url)
    findings = find_sources(manifest, offline=True) if switch == "offline" else find_sources(manifest, download=False)
    assert "nothing was downloaded" in findings.missing[0].text
    assert site.asked == []


# Updates


def catalogue_of(*numbers: str) -> bytes:
    return json.dumps({"results": {"bindings": [{"celex": {"value": number}} for number in numbers]}}).encode()


def test_updates_are_reported(site: Site) -> None:
    listed = catalogue_of("02024R1689-20280101", "32024R1689R(05)", "32024R1689", "02018R1139-20270101")
    site.answers = [whole(listed, "application/sparql-results+json"), whole(PDF + b"new")]
    updates = check_updates(manifest_of(site.url, catalogue=site.url), BRISK)
    assert [(update.kind, update.about) for update in updates] == [
        (UpdateKind.NEW_VERSION, "02024R1689-20280101"),
        (UpdateKind.CORRIGENDUM, "32024R1689R(05)"),
        (UpdateKind.CHANGED, "sample-act"),
    ]
    (query,) = parse_qs(urlsplit(site.asked[0].path).query)["query"]
    assert 'VALUES ?base { "32024R1689"^^xsd:string }' in query


def test_nothing_new_is_an_empty_report(site: Site) -> None:
    manifest = manifest_of(site.url, catalogue=site.url, corrigenda=["32024R1689R(05)"])
    site.answers = [whole(catalogue_of("32024R1689R(05)")), whole(PDF)]
    assert check_updates(manifest, BRISK) == ()
    assert not search_path().cache.exists()


def test_what_could_not_be_checked_is_said(site: Site) -> None:
    site.answers = [whole(b"<html>sorry", "text/html"), whole(b"gone", status=404)]
    updates = check_updates(manifest_of(site.url, catalogue=site.url), BRISK)
    assert [update.kind for update in updates] == [UpdateKind.UNCHECKED, UpdateKind.UNCHECKED]
    site.answers = [whole(b'{"results": []}'), whole(PDF)]
    assert "gave no list" in check_updates(manifest_of(site.url, catalogue=site.url), BRISK)[0].text


def test_offline_a_check_for_updates_says_so_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match="nothing was checked; try again with a network"):
        check_updates(manifest_of(f"http://127.0.0.1:{port}/"), BRISK)


def test_the_official_hosts() -> None:
    assert official_hosts(load_manifest()) == ("ec.europa.eu", "publications.europa.eu", "rm.coe.int")
