// One person with one device, on matrix-js-sdk with its Rust encryption. It reads
// requests from stdin, a JSON object a line, {"id", "op", ...}, and answers on
// stdout, {"id", "value"} or {"id", "error"}. Messages of others come as
// {"heard": {...}}; one that is decrypted later comes again with the same id.
// The argument is the folder of node_modules.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

// Stdout is for answers only, whatever the libraries print.
for (const name of ["log", "debug", "info", "trace", "warn", "error"]) {
    console[name] = (...args) => process.stderr.write(args.join(" ") + "\n");
}
// The library asks for node 22; this is all that it misses in Debian's 18 and 20.
Promise.withResolvers ??= function () {
    const made = {};
    made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
    return made;
};
const modules = process.argv.at(-1);
const load = (path) => import(pathToFileURL(join(modules, "matrix-js-sdk", "lib", path)).href);
const sdk = await load("index.js");
const cryptoApi = await load("crypto-api/index.js");
const { logger } = await load("logger.js");
logger.setLevel("warn");

const limit = 30_000; // milliseconds for anything that is waited for
const tell = (o) => process.stdout.write(JSON.stringify(o) + "\n");
let client;

// until waits for a condition, which is looked at whenever the client emits one of the events.
function until(what, events, met) {
    return new Promise((resolve, reject) => {
        const done = (f, v) => {
            clearTimeout(timer);
            for (const e of events) client.off(e, look);
            f(v);
        };
        const look = () => met() && done(resolve);
        const timer = setTimeout(() => done(reject, new Error(`waited in vain for ${what}`)), limit);
        for (const e of events) client.on(e, look);
        look();
    });
}

const roomEvents = [sdk.ClientEvent.Room, sdk.RoomEvent.MyMembership, sdk.RoomStateEvent.Events, sdk.ClientEvent.Sync];

// inside waits until the client knows that it is in a room.
const inside = (room) => until(`being in ${room}`, roomEvents, () => client.getRoom(room)?.getMyMembership() === "join");

async function hear(ev) {
    const wire = ev.getWireContent();
    const content = ev.getOriginalContent();
    const relation = content["m.relates_to"] ?? wire["m.relates_to"] ?? {};
    const thread = relation.rel_type === "m.thread" ? relation.event_id : "";
    const edits = relation.rel_type === "m.replace" ? relation.event_id : "";
    const shown = edits ? (content["m.new_content"] ?? content) : content;
    const failed = ev.isDecryptionFailure();
    const info = ev.isEncrypted() && !failed ? await client.getCrypto().getEncryptionInfoForEvent(ev) : null;
    tell({
        heard: {
            id: ev.getId(), room: ev.getRoomId(), sender: ev.getSender(),
            type: failed ? "" : (shown.msgtype ?? ""), text: failed ? "" : (shown.body ?? ""), html: shown.formatted_body ?? "",
            thread, edits, replyTo: relation.is_falling_back ? "" : (relation["m.in_reply_to"]?.event_id ?? ""),
            mentions: shown["m.mentions"] ? (shown["m.mentions"].user_ids ?? []) : null,
            fileName: shown.filename ?? "", encrypted: ev.isEncrypted(), undecryptable: failed, why: failed ? String(ev.decryptionFailureReason) : "",
            shield: info ? cryptoApi.EventShieldColour[info.shieldColour] : "",
            reason: info && info.shieldReason !== null ? cryptoApi.EventShieldReason[info.shieldReason] : "",
            raw: content,
        },
    });
}

function arrived(ev) {
    if (ev.getSender() === client.getUserId() || ev.isState() || ev.isRedacted()) return;
    if (ev.isEncrypted()) {
        ev.on(sdk.MatrixEventEvent.Decrypted, () => hear(ev));
        if (!ev.isBeingDecrypted() && (ev.isDecryptionFailure() || ev.getClearContent())) hear(ev);
        else client.decryptEventIfNeeded(ev);
    } else if (ev.getType() === "m.room.message") {
        hear(ev);
    }
}

// decryptFile decrypts an attachment as the specification says, with the runtime's own AES.
async function decryptFile(data, file) {
    const bytes = (text) => Buffer.from(text, "base64");
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", data));
    if (!hash.equals(bytes(file.hashes.sha256))) throw new Error("the file has another hash than its message says");
    const key = await crypto.subtle.importKey("jwk", file.key, "AES-CTR", false, ["decrypt"]);
    return crypto.subtle.decrypt({ name: "AES-CTR", counter: bytes(file.iv), length: 64 }, key, data);
}

const ops = {
    async start({ url, user, password }) {
        const login = await sdk.createClient({ baseUrl: url }).loginRequest({
            type: "m.login.password", password, identifier: { type: "m.id.user", user },
        });
        client = sdk.createClient({ baseUrl: url, userId: login.user_id, deviceId: login.device_id, accessToken: login.access_token });
        await client.initRustCrypto({ useIndexedDB: false });
        const api = client.getCrypto();
        // Keys go to devices that their owners have signed, and only from such ones is anything read.
        api.setDeviceIsolationMode(new cryptoApi.OnlySignedDevicesIsolationMode());
        client.on(sdk.RoomEvent.Timeline, (ev, _room, toStart) => toStart || arrived(ev));
        await client.startClient({ initialSyncLimit: 100, lazyLoadMembers: false, threadSupport: false, pollTimeout: 5000 });
        await until("the first sync", [sdk.ClientEvent.Sync], () => client.isInitialSyncComplete());
        await api.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (request) => request(null) });
        return { user: login.user_id, device: login.device_id, version: api.getVersion() };
    },
    async makeRoom({ name, invite }) {
        const state = (type, content) => ({ type, state_key: "", content });
        const made = await client.createRoom({
            name, invite: invite ?? [], preset: "private_chat", visibility: "private",
            initial_state: [
                state("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }),
                state("m.room.history_visibility", { history_visibility: "joined" }),
                state("m.room.guest_access", { guest_access: "forbidden" }),
            ],
        });
        await inside(made.room_id);
        return made.room_id;
    },
    async invite({ room, user }) {
        await client.invite(room, user);
    },
    async join({ room }) {
        await client.joinRoom(room);
        await inside(room);
    },
    async leave({ room }) {
        await client.leave(room);
    },
    async invited({ room }) {
        await until(`an invitation to ${room}`, roomEvents, () => client.getRoom(room)?.getMyMembership() === "invite");
    },
    async member({ room, user, membership }) {
        const events = [...roomEvents, sdk.RoomMemberEvent.Membership];
        await until(`${user} ${membership} in ${room}`, events, () => client.getRoom(room)?.getMember(user)?.membership === membership);
    },
    async say({ room, text, thread, replyTo, mentions }) {
        if (!(await client.getCrypto().isEncryptionEnabledInRoom(room))) throw new Error(`${room} is not known to be encrypted`);
        const content = { "msgtype": "m.text", "body": text, "m.mentions": mentions?.length ? { user_ids: mentions } : {} };
        const relation = {};
        if (thread) Object.assign(relation, { rel_type: "m.thread", event_id: thread });
        if (replyTo) relation["m.in_reply_to"] = { event_id: replyTo };
        if (thread || replyTo) content["m.relates_to"] = relation;
        return (await client.sendMessage(room, content)).event_id;
    },
    async file({ raw }) {
        const address = client.mxcUrlToHttp((raw.file ?? raw).url, undefined, undefined, undefined, true, true, true);
        const res = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` }, signal: AbortSignal.timeout(limit) });
        if (!res.ok) throw new Error(`the file: ${res.status}`);
        const data = await res.arrayBuffer();
        return Buffer.from(raw.file ? await decryptFile(data, raw.file) : data).toString("base64");
    },
    async verified({ user, device }) {
        await client.getCrypto().getUserDeviceInfo([user], true);
        const status = await client.getCrypto().getDeviceVerificationStatus(user, device);
        if (!status) throw new Error(`${user} has no device ${device}`);
        const { signedByOwner, crossSigningVerified, tofu } = status;
        return { signedByOwner, crossSigningVerified, tofu: tofu ?? false };
    },
    async pinned({ room }) {
        return (await client.getStateEvent(room, "m.room.pinned_events", "").catch((e) => {
            if (e.errcode === "M_NOT_FOUND") return {};
            throw e;
        })).pinned ?? [];
    },
};

createInterface({ input: process.stdin }).on("line", async (line) => {
    const { id, op, ...args } = JSON.parse(line);
    try {
        if (!Object.hasOwn(ops, op)) throw new Error(`there is no operation ${op}`);
        tell({ id, value: (await ops[op](args)) ?? null });
    } catch (e) {
        tell({ id, error: String(e?.stack ?? e) });
    }
}).on("close", () => process.exit(0));
