"""Every error that this package raises on purpose.

    AppmixerError                what failed, with which value, what to do next
    ├── InputError               an argument is not acceptable
    │   └── FlowInvalidError     a flow descriptor is not; holds every problem
    ├── NotFoundError            no such object, or not visible to this user
    ├── ConflictError            the object is in a state that does not allow this
    ├── ForbiddenError           signed in, but not permitted
    ├── NotSignedInError         no token, or one that is no longer accepted
    ├── RateLimitedError         too many calls; holds the wait
    ├── UnavailableError         no answer, or a 5xx; says whether the call may have happened
    ├── UnexpectedAnswerError    an answer that cannot be understood
    ├── ConfigurationError       the operator has to mend a setting
    └── ComponentFailedError     a component of a flow failed; says whether to try again

The text of an error is written for the person or model that has to act on it. It never holds a
secret, and of another party's words only why it refused an argument, cleaned and shortened. What
else the other side said is in `upstream_message`, for logs and for people, never for a model.
"""


class AppmixerError(Exception):
    """The root of the tree; catch it to catch everything this package raises on purpose.

    Attributes:
        status: The HTTP status that caused it, or None when there was no answer.
        upstream_message: What the API said, cut to 500 characters; empty when it said nothing.
    """

    def __init__(
        self, message: str, *, status: int | None = None, upstream_message: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.upstream_message = upstream_message[:500]

    @property
    def code(self) -> int | None:
        """The HTTP status under the name that the Appmixer SDK gives it."""
        return self.status


class InputError(AppmixerError):
    """An argument was refused before or by the API (400, 413, 422)."""


class FlowInvalidError(InputError):
    """A flow descriptor breaks the rules.

    Attributes:
        problems: One sentence each, in the order of the descriptor; never empty.
    """

    def __init__(self, problems: list[str], *, status: int | None = None) -> None:
        ours = status is None
        listed = "\n".join(f"- {one}" if ours else f'- "{one}"' for one in problems)
        by = "" if ours else ", in the API's words"
        super().__init__(
            f"The flow descriptor has {len(problems)} problem(s){by}:\n{listed}", status=status
        )
        self.problems = problems


class NotFoundError(AppmixerError):
    """No such object, or one that this user may not see (404)."""


class ConflictError(AppmixerError):
    """The object's present state does not allow the call (409)."""


class ForbiddenError(AppmixerError):
    """The user is known but not permitted (403)."""


class NotSignedInError(AppmixerError):
    """There is no access token, or it is not accepted any more (401)."""


class RateLimitedError(AppmixerError):
    """Too many calls (429).

    Attributes:
        retry_after_s: Seconds to wait before the next call; None when the API named none.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = 429,
        upstream_message: str = "",
    ) -> None:
        super().__init__(message, status=status, upstream_message=upstream_message)
        self.retry_after_s = retry_after_s


class UnavailableError(AppmixerError):
    """No answer in time, a broken connection, or a 5xx answer.

    Attributes:
        may_have_happened: True when a write was sent and its outcome is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        may_have_happened: bool = False,
        status: int | None = None,
        upstream_message: str = "",
    ) -> None:
        super().__init__(message, status=status, upstream_message=upstream_message)
        self.may_have_happened = may_have_happened


class UnexpectedAnswerError(AppmixerError):
    """The API answered with something that is not what its documentation promises.

    Attributes:
        may_have_happened: True when it was the answer to a write, which then most likely happened.
    """

    def __init__(
        self, message: str, *, may_have_happened: bool = False, status: int | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.may_have_happened = may_have_happened


class ConfigurationError(AppmixerError):
    """A setting is wrong; the operator has to mend it, no argument can."""


class ComponentFailedError(AppmixerError):
    """A component of a flow failed while it handled a message.

    Attributes:
        retry: False when trying again cannot help (Appmixer's CancelError, 4xx answers).
        error_code: A short machine-readable code such as `404` or `ECONNREFUSED`; may be empty.
        error_name: The error's class name as logs and the error port show it.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool = True,
        error_code: str = "",
        error_name: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.retry = retry
        self.error_code = error_code
        self.error_name = error_name or ("Error" if retry else "CancelError")
