"""The API server through the kubernetes package: its configuration, credentials and connections, but raw JSON.

The package's typed models cost tens of kilobytes a pod, and importing it costs a third of a second, so nothing else
here imports it, and this module is imported only where there is a cluster.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, Self

import aiohttp
import msgspec
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from extender.cluster.api import ApiError, split_lines
from extender.cluster.base import ClusterError

__all__ = ["KubeApi"]

_CONNECT_S: Final = 10.0
_REQUEST_S: Final = 60.0
_WRITE_S: Final = 5.0  # small, and somebody waits for it
_RENEW_S: Final = 60.0  # how often the kubeconfig's credentials are read again; in a pod the package does the same
_MAX_MESSAGE: Final = 300


class _Status(msgspec.Struct):
    message: str = ""


class KubeApi:
    """Requests with a Configuration's address and credentials; implements `Api`."""

    def __init__(self, configuration: Any) -> None:
        configuration.connection_pool_maxsize = 0  # unlimited: every watch holds a connection
        self._client = ApiClient(configuration)
        self._client.user_agent = "neilats-extender"

    @classmethod
    async def open(cls, kubeconfig: str = "", *, clock: Callable[[], float] = time.monotonic) -> Self:
        """The API server of a kubeconfig file, or without one that of the pod this runs in; raises ClusterError."""
        configuration = Configuration()
        try:
            if kubeconfig:
                loader = await load_kube_config(kubeconfig, client_configuration=configuration, persist_config=False)
                _strip_token(configuration)
                configuration.refresh_api_key_hook = _renewing(loader.load_and_set, clock)
            else:
                load_incluster_config(client_configuration=configuration)
            return cls(configuration)
        except Exception as e:  # a wrong file surfaces as anything from KeyError to ssl.SSLError
            source = f"kubeconfig={kubeconfig!r}" if kubeconfig else "cluster='in-cluster'"
            remedy = "check the file" if kubeconfig else "outside a pod set kubeconfig or cluster: none"
            raise ClusterError(f"{source}: {type(e).__name__}: {_one_line(e)}; {remedy}") from e

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """The body of a GET."""
        timeout = aiohttp.ClientTimeout(total=_REQUEST_S, sock_connect=_CONNECT_S)
        async with self._request("GET", path, timeout, params) as response:
            return await response.read()

    async def lines(
        self, path: str, params: Mapping[str, str], silence_s: float, opened: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a stream as they come, after a call once it is open."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=silence_s)
        async with (
            self._request("GET", path, timeout, params) as response,
            # Not readline(): aiohttp limits its length, and an event may be longer.
            aclosing(split_lines(response.content.iter_any())) as lines,
        ):
            opened()
            async for line in lines:
                yield line

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Create an object from a JSON body; returns what was stored, or answered."""
        return await self._write("POST", path, body)

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Replace an object; returns what was stored."""
        return await self._write("PUT", path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Merge a JSON body into an object."""
        await self._write("PATCH", path, body)

    async def delete(self, path: str, params: Mapping[str, str]) -> None:
        """Delete an object, with options such as gracePeriodSeconds."""
        timeout = aiohttp.ClientTimeout(total=_WRITE_S)
        async with self._request("DELETE", path, timeout, params):
            pass

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> bytes:
        timeout = aiohttp.ClientTimeout(total=_WRITE_S)
        async with self._request(method, path, timeout, body=dict(body)) as response:
            return await response.read()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own object, with a limit for each phase
        params: Mapping[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to a request; what goes wrong here or while the caller reads becomes an ApiError."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Accept": "application/json", "Content-Type": kind}
        try:
            call = await self._client.param_serialize(
                method, path, None, list((params or {}).items()), headers, body, auth_settings=["BearerToken"]
            )
            response = (await self._client.call_api(*call, _request_timeout=timeout)).response
            try:
                if response.status >= 300:
                    raise ApiError.of_status(response.status, _message(await response.read()))
                yield response
            finally:
                response.close()
        except ApiError:
            raise
        except TimeoutError as e:
            raise ApiError("silent", f"nothing came in time from {path}") from e
        except Exception as e:  # renewed credentials may fail with anything: their file may be half written
            raise ApiError("disconnected", f"{type(e).__name__}: {_one_line(e)}"[:_MAX_MESSAGE]) from e


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())  # YAML's complaints have several lines


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Status).message[:_MAX_MESSAGE]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:_MAX_MESSAGE].decode(errors="replace")


def _renewing(load: Callable[[Any], Awaitable[None]], clock: Callable[[], float]) -> Callable[[Any], Awaitable[None]]:
    """A hook that reads token files and exec plugins again now and then: tokens expire within the hour."""
    last = clock()

    async def renew(configuration: Any) -> None:
        nonlocal last
        if clock() - last >= _RENEW_S:
            last = clock()
            await load(configuration)
            _strip_token(configuration)

    return renew


def _strip_token(configuration: Any) -> None:
    """Without the newline that ends a token file: a header with one is refused."""
    if token := configuration.api_key.get("BearerToken"):
        configuration.api_key["BearerToken"] = token.strip()
