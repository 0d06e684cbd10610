"""What can go wrong with the law's texts, each as one line that says what to do.

VisavisError                 anything a user can put right; the command line prints it and exits with 2
├── ManifestError            the manifest is not what its schema says
├── IdentifierError          a CELEX, ELI, CETS number or expression that cannot be read
├── PinpointError            a place in an instrument that cannot be read
├── SourceError              a file of the corpus cannot be used
│   ├── SourceMissing        it is found nowhere
│   ├── SourceUnreadable     it is there, but encrypted, truncated, empty or not what its name says
│   ├── SourceChanged        its bytes are not the ones the manifest names
│   └── SourceIncomplete     it was read, but the counts fall short of the manifest's
├── DownloadError            an official address did not give the file
├── EgressError              a connection to a host that no setting names (an OSError too, for the libraries)
├── AmendmentError           an operation of an amending act does not fit the text that it amends
├── EmbeddingError           the embedding weights are missing or not the pinned ones
├── StoreError               the index cannot be used
│   ├── StoreMissing         there is none for this corpus
│   ├── StoreStale           it was built by another version or from other texts
│   ├── StoreUnwritable      its folder cannot be written
│   └── StoreAway            the server that its vectors lie on does not answer
└── UsageError               what was typed cannot be understood
"""


class VisavisError(Exception):
    """Anything a user can put right: its text is one line, what failed, the value, what is allowed, what to do."""

    exit_code = 2


class ManifestError(VisavisError):
    """The manifest is not what its schema says."""


class IdentifierError(VisavisError):
    """A CELEX, ELI, CETS number or expression identifier cannot be read."""


class PinpointError(VisavisError):
    """A place inside an instrument cannot be read."""


class SourceError(VisavisError):
    """A file of the corpus cannot be used."""


class SourceMissing(SourceError):
    """The file is found nowhere."""


class SourceUnreadable(SourceError):
    """The file is there, but encrypted, truncated, empty or not what its name says."""


class SourceChanged(SourceError):
    """The file's bytes are not the ones that the manifest names."""


class SourceIncomplete(SourceError):
    """The file was read, but its provisions fall short of the manifest's counts."""


class ReaderError(VisavisError):
    """A process that was to read files does not start."""


class DownloadError(VisavisError):
    """An official address did not give the file."""


class EgressError(VisavisError, PermissionError):
    """A connection to a host that no setting names; the libraries that connect see an OSError."""


class AmendmentError(VisavisError):
    """An operation of an amending act does not fit the text that it amends."""


class EmbeddingError(VisavisError):
    """The embedding weights are missing or are not the pinned ones."""


class StoreError(VisavisError):
    """The index cannot be used."""


class StoreMissing(StoreError):
    """There is no index for this corpus."""


class StoreStale(StoreError):
    """The index was built by another version of the program or from other texts."""


class StoreUnwritable(StoreError):
    """The index folder cannot be written."""


class StoreAway(StoreError):
    """The Chroma server that the vectors lie on does not answer."""


class UsageError(VisavisError):
    """What was typed cannot be understood."""
