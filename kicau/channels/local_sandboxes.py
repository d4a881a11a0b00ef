"""Sandbox networks that run on this machine (`kicau sandbox`), offered to whoever hosts the instance."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from asgiref.sync import sync_to_async

from kicau.base.errors import Conflict, NotAllowed
from kicau.channels.actions import register_app
from kicau.channels.models import NetworkApp
from kicau.connector import registry
from kicau.sandbox.all_networks import PORT_BASE
from kicau.workspaces.actors import Actor, Permission

MAX_SKIPPED_PORTS = 6  # ports that the sandboxes may have found taken
SANDBOX_TIMEOUT_SECONDS = 0.5  # seconds; they are on this machine


async def running_sandboxes(base: int = PORT_BASE) -> dict[str, Mapping[str, Any]]:
    """What each running sandbox tells of itself, by network; only this machine's own ports are asked."""
    ports = range(base, base + len(registry.installed_slugs()) + MAX_SKIPPED_PORTS)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=SANDBOX_TIMEOUT_SECONDS), trust_env=False
    ) as session:
        told = await asyncio.gather(*(_sandbox_info(session, port) for port in ports))
    return {one["network"]: one for one in told if one.get("network") in registry.installed_slugs()}


async def _sandbox_info(session: aiohttp.ClientSession, port: int) -> Mapping[str, Any]:
    try:
        async with session.get(f"http://127.0.0.1:{port}/_sandbox/info", allow_redirects=False) as answer:
            found = await answer.json() if answer.status == 200 else {}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


async def use_sandboxes(actor: Actor, base: int = PORT_BASE) -> list[str]:
    """Take their keys for every network that has none yet; gives those networks. Raises NotAllowed, Conflict."""
    actor.require(Permission.CHANNELS)
    if actor.person is None or not actor.person.is_operator:
        raise NotAllowed(
            "Only the server administrator can set up the sandbox (simulated networks for testing) on this server."
        )
    running = await running_sandboxes(base)
    if not running:
        raise Conflict(
            "The sandbox (simulated social networks for testing) is not running on this server. To start it, run: kicau sandbox"
        )
    return await sync_to_async(_register_apps)(actor, running)


def _register_apps(actor: Actor, running: Mapping[str, Mapping[str, Any]]) -> list[str]:
    known = set(NetworkApp.objects.values_list("network", flat=True))
    fresh = [slug for slug in running if slug not in known]
    for slug in fresh:
        told = running[slug]
        register_app(slug, told["client_id"], told["client_secret"], endpoints=told["endpoints"], is_sandbox=True)
    actor.record("sandbox.used", "", networks=fresh)
    return fresh
