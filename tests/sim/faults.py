# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between the daemon and those it asks, on the level of bytes, by a seed.

Which fault a request meets depends on the seed, on whom it asks and on the how-manieth it is. A fault of before keeps the
request from taking effect, one of after lets it.

It works on real sockets, since a fifth of the faults (cut, slow, twice, not UTF-8) lives below the transport. Time runs forty
times faster, so half a minute is enough for thousands of them.
"""
import asyncio
import json
import random

from world import http

TIMEOUT = 30  # of the daemon's requests, in its own time


class Faults:
    """The fault hook of a world; counts by kind."""

    def __init__(self, world, seed, spared=()):
        self.world, self.seed, self.spared = world, seed, set(spared)
        self.counts, self.asked, self.chosen, self.earlier = {}, {}, {}, {}
        self.on, self.trap = True, "http://127.0.0.1:1"
        world.fault = self.exchange

    def total(self):
        return sum(self.counts.values())

    def rate(self, fake, number, chance):
        """It comes in spells: of some hundred requests to one server all, half, few or none meet a fault."""
        spell = (id(fake), number // 40)
        if spell not in self.chosen:
            self.chosen[spell] = chance.choice([0, 0.05, 0.3, 0.3, 0.6, 1])
        return self.chosen[spell]

    async def exchange(self, ask, reader, writer):
        fake = ask.fake
        number = self.asked[fake.port] = self.asked.get(fake.port, 0) + 1
        chance = random.Random(f"{self.seed} {fake.label} {number}")
        if not self.on or fake in self.spared or chance.random() >= self.rate(fake, number, random.Random(f"{self.seed} {fake.label} {number // 40}")):
            return await self.well(ask, writer)
        kind = chance.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return await KINDS[kind][0](self, ask, writer, chance)

    def keep(self, ask, answer):
        kept = self.earlier.setdefault(ask.fake.port, [])
        kept.append(answer)
        del kept[:-30]
        return answer

    def answer(self, ask):
        return self.keep(ask, ask.answer())

    async def well(self, ask, writer):
        writer.write(self.answer(ask))
        await writer.drain()
        return True

    def nap(self, seconds):
        return asyncio.sleep(seconds / self.world.pace)

    # Each returns whether the connection goes on.

    async def cut_before(self, ask, writer, chance):
        writer.transport.abort()
        return False

    async def cut_within(self, ask, writer, chance):
        answer = self.answer(ask)
        writer.write(answer[:chance.randrange(1, len(answer))])
        await writer.drain()
        return False

    async def cut_after(self, ask, writer, chance):
        self.answer(ask)
        writer.transport.abort()
        return False

    async def refused(self, ask, writer, chance):
        """Nobody listens for a while."""
        writer.transport.abort()
        await self.world.deaf(ask.fake, chance.uniform(1, 20))
        return False

    async def late_answer(self, ask, writer, chance):
        answer = self.answer(ask)
        await self.nap(TIMEOUT * chance.uniform(1.05, 1.5))
        writer.write(answer)
        return False

    async def late_effect(self, ask, writer, chance):
        """It takes effect when nobody waits for it any more."""
        await self.nap(TIMEOUT + chance.uniform(0.5, 4))
        writer.write(self.answer(ask))
        return False

    async def slow(self, ask, writer, chance):
        answer, length = self.answer(ask), chance.choice([0.1, 0.5, 1.2]) * TIMEOUT
        pieces = 8
        for i in range(pieces):
            writer.write(answer[len(answer) * i // pieces:len(answer) * (i + 1) // pieces])
            await writer.drain()
            await self.nap(length / pieces)
        return True

    async def status(self, ask, writer, chance):
        code = chance.choice([301, 302, 307, 308, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504])
        headers = [("Location", self.trap + ask.path)] if code < 400 else [("Retry-After", "7")] if code in (429, 503) else []
        if code >= 500 and chance.random() < 0.5:
            self.answer(ask)
        body = chance.choice(['{"detail":"no"}', "<html>no</html>", ""])
        writer.write(http(code, body, headers=headers))
        await writer.drain()
        return True

    async def truncated(self, ask, writer, chance):
        head, _, body = self.answer(ask).partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n" + body[:len(body) // 2])
        await writer.drain()
        return False

    async def wrong_type(self, ask, writer, chance):
        """The same JSON with one value of another kind, or quite another one."""
        _, _, body = self.answer(ask).partition(b"\r\n\r\n")
        others = ["null", "[]", "{}", "7", '"x"', "[null]", "[[]]", "true", "1e999", '{"id":null}', "", "\x00"]
        try:
            if chance.random() < 0.3:
                raise ValueError
            text = json.dumps(twisted(json.loads(body), chance))
        except ValueError:
            text = chance.choice(others)
        writer.write(http(200, text, chance.choice(["application/json", "text/plain", "text/html;charset=utf-8", "image/png"])))
        await writer.drain()
        return True

    async def oversized(self, ask, writer, chance):
        self.answer(ask)
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(12):
                writer.write(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")
                await writer.drain()
        except OSError:
            pass
        return False

    async def deep(self, ask, writer, chance):
        self.answer(ask)
        n = chance.choice([50, 900, 5000, 100000])
        writer.write(http(200, chance.choice(["[" * n + "]" * n, '{"a":' * n + "1" + "}" * n, "[" * n])))
        await writer.drain()
        return True

    async def not_utf8(self, ask, writer, chance):
        head, _, body = self.answer(ask).partition(b"\r\n\r\n")
        body = bytearray(body)
        for _ in range(3):
            if body:
                body[chance.randrange(len(body))] = chance.choice([0xff, 0xc0, 0x80, 0xed, 0xf8])
        writer.write(head + b"\r\n\r\n" + bytes(body))
        await writer.drain()
        return True

    async def twice(self, ask, writer, chance):
        """The second copy stands where the answer to the next request is expected."""
        answer = self.answer(ask)
        writer.write(answer + answer)
        await writer.drain()
        return True

    async def twice_asked(self, ask, writer, chance):
        """A proxy repeats the request."""
        self.answer(ask)
        return await self.well(ask, writer)

    async def swapped(self, ask, writer, chance):
        """An answer to another request, or to this one long ago."""
        kept = list(self.earlier.get(ask.fake.port, []))
        answer = self.answer(ask)
        writer.write(chance.choice(kept) if kept else answer)
        await writer.drain()
        return True


def twisted(value, chance):
    """A copy in which one value somewhere is of another kind."""
    if isinstance(value, (dict, list)) and value and chance.random() < 0.8:
        copy = dict(value) if isinstance(value, dict) else list(value)
        key = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
        copy[key] = twisted(copy[key], chance)
        return copy
    return chance.choice([None, [], {}, -1, 0, 1e300, 2 ** 63, "", "x" * 5000, "\u0000", True, [1, "2"], {"a": {}}])


KINDS = {
    "refused": (Faults.refused, 3), "cut before": (Faults.cut_before, 8), "cut within": (Faults.cut_within, 8),
    "cut after": (Faults.cut_after, 8), "late answer": (Faults.late_answer, 3), "late effect": (Faults.late_effect, 3),
    "slow": (Faults.slow, 3), "status": (Faults.status, 28), "truncated": (Faults.truncated, 8),
    "wrong type": (Faults.wrong_type, 12), "oversized": (Faults.oversized, 0.3), "deep": (Faults.deep, 4),
    "not UTF-8": (Faults.not_utf8, 8), "twice": (Faults.twice, 8), "asked twice": (Faults.twice_asked, 6),
    "swapped": (Faults.swapped, 10),
}
