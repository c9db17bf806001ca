-- Migration: 001_init_schema
-- Description: Accounts, devices, keys, chats, messages, stories, calls, media and the job outbox
-- Created: 2026-11-22
-- Dependencies: 000_initial_functions.sql

BEGIN;

-- Identifiers are UUIDv7 made by the application, so no column of this file has a generated id.

------------------------------------------------------------------------------------ accounts

CREATE TABLE users (
    id                uuid        PRIMARY KEY,
    email             citext      NOT NULL,
    username          citext      NOT NULL,
    display_name      text        NOT NULL,
    password_hash     text        NOT NULL,
    status            text        NOT NULL DEFAULT 'pending',
    bio               text        NOT NULL DEFAULT '',
    avatar_id         uuid,
    settings          jsonb       NOT NULL DEFAULT '{}',
    email_verified_at timestamptz,
    last_seen_at      timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 254 AND email LIKE '%_@_%'),
    CONSTRAINT users_username_check CHECK (username ~ '^[a-z0-9_.-]{2,64}$'),
    CONSTRAINT users_display_name_check CHECK (length(display_name) BETWEEN 1 AND 128),
    CONSTRAINT users_bio_check CHECK (length(bio) <= 1024),
    CONSTRAINT users_status_check CHECK (status IN ('pending', 'active', 'suspended', 'deleted')),
    CONSTRAINT users_settings_check CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE users IS 'Accounts and profiles.';
COMMENT ON COLUMN users.username IS 'Handle; never holds an @, so that a login is either an email or a handle.';
COMMENT ON COLUMN users.password_hash IS 'Argon2id in PHC string format.';
COMMENT ON COLUMN users.status IS 'pending: email not verified yet; suspended: by an administrator; deleted: erased, the row keeps the handle taken.';
COMMENT ON COLUMN users.settings IS 'Preferences of the account that all its devices share.';
CREATE INDEX users_avatar_id_idx ON users (avatar_id) WHERE avatar_id IS NOT NULL;
CREATE INDEX users_pending_idx ON users (created_at) WHERE status = 'pending';

CREATE TABLE devices (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name            text        NOT NULL,
    registration_id integer     NOT NULL,
    last_seen_at    timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT devices_name_check CHECK (length(name) BETWEEN 1 AND 128),
    CONSTRAINT devices_registration_id_check CHECK (registration_id BETWEEN 0 AND 16383)
);
COMMENT ON TABLE devices IS 'Devices of an account; each holds its own keys and receives its own ciphertexts.';
COMMENT ON COLUMN devices.registration_id IS 'Signal Protocol registration id (14 bits), chosen by the device.';
COMMENT ON COLUMN devices.revoked_at IS 'Unlinked at; an active device has none.';
CREATE INDEX devices_user_id_idx ON devices (user_id);
CREATE INDEX devices_active_idx ON devices (user_id) WHERE revoked_at IS NULL;

CREATE TABLE sessions (
    id                    uuid        PRIMARY KEY,
    user_id               uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id             uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    family_id             uuid        NOT NULL,
    refresh_hash          bytea       NOT NULL,
    previous_refresh_hash bytea,
    ip                    inet,
    user_agent            text        NOT NULL DEFAULT '',
    created_at            timestamptz NOT NULL DEFAULT now(),
    rotated_at            timestamptz NOT NULL DEFAULT now(),
    confirmed_at          timestamptz,
    last_used_at          timestamptz NOT NULL DEFAULT now(),
    expires_at            timestamptz NOT NULL,
    revoked_at            timestamptz,
    revoked_reason        text,
    CONSTRAINT sessions_refresh_hash_key UNIQUE (refresh_hash),
    CONSTRAINT sessions_refresh_hash_check CHECK (octet_length(refresh_hash) = 32),
    CONSTRAINT sessions_previous_refresh_hash_check CHECK (octet_length(previous_refresh_hash) = 32),
    CONSTRAINT sessions_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT sessions_user_agent_check CHECK (length(user_agent) <= 512)
);
COMMENT ON TABLE sessions IS 'Logged-in devices and their refresh tokens.';
COMMENT ON COLUMN sessions.family_id IS 'All rotations of one login share it; reuse of a retired token revokes the family.';
COMMENT ON COLUMN sessions.refresh_hash IS 'HMAC-SHA256 of the current refresh token, keyed with session-secret.';
COMMENT ON COLUMN sessions.previous_refresh_hash IS 'Hash of the token before; valid until confirmed_at, because the answer that carried the new one may have been lost.';
COMMENT ON COLUMN sessions.confirmed_at IS 'First use of the access token that the latest rotation gave out; null until then.';
CREATE UNIQUE INDEX sessions_previous_refresh_hash_key ON sessions (previous_refresh_hash)
    WHERE previous_refresh_hash IS NOT NULL;
CREATE INDEX sessions_user_id_idx ON sessions (user_id, created_at);
CREATE INDEX sessions_device_id_idx ON sessions (device_id);
CREATE INDEX sessions_family_id_idx ON sessions (family_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX sessions_revoked_at_idx ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE retired_refresh_tokens (
    refresh_hash bytea       PRIMARY KEY,
    session_id   uuid        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    retired_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retired_refresh_tokens_refresh_hash_check CHECK (octet_length(refresh_hash) = 32)
);
COMMENT ON TABLE retired_refresh_tokens IS 'Refresh tokens older than the previous one; presenting one means theft and revokes the session.';
CREATE INDEX retired_refresh_tokens_session_id_idx ON retired_refresh_tokens (session_id);

CREATE TABLE email_verifications (
    token_hash bytea       PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email      citext      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT email_verifications_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT email_verifications_expires_at_check CHECK (expires_at > created_at)
);
COMMENT ON TABLE email_verifications IS 'One-time links that prove an email address.';
COMMENT ON COLUMN email_verifications.token_hash IS 'HMAC-SHA256 of the token, keyed with session-secret; the token itself is only in the email.';
CREATE INDEX email_verifications_user_id_idx ON email_verifications (user_id);
CREATE INDEX email_verifications_expires_at_idx ON email_verifications (expires_at);

CREATE TABLE contacts (
    user_id      uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    contact_id   uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    display_name text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, contact_id),
    CONSTRAINT contacts_self_check CHECK (user_id <> contact_id),
    CONSTRAINT contacts_display_name_check CHECK (length(display_name) BETWEEN 1 AND 128)
);
COMMENT ON TABLE contacts IS 'Address book of an account.';
COMMENT ON COLUMN contacts.display_name IS 'Name the owner gave this contact; null shows the contact''s own.';
CREATE INDEX contacts_contact_id_idx ON contacts (contact_id);

CREATE TABLE blocked_users (
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    blocked_id uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, blocked_id),
    CONSTRAINT blocked_users_self_check CHECK (user_id <> blocked_id)
);
COMMENT ON TABLE blocked_users IS 'Who an account does not want to hear from.';
CREATE INDEX blocked_users_blocked_id_idx ON blocked_users (blocked_id);

-------------------------------------------------------------------------------- cryptography

CREATE TABLE identity_keys (
    device_id  uuid        PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    public_key bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identity_keys_public_key_check CHECK (octet_length(public_key) = 33)
);
COMMENT ON TABLE identity_keys IS 'Long-term identity key of each device.';
COMMENT ON COLUMN identity_keys.public_key IS 'libsignal serialization: 0x05 and 32 bytes.';

CREATE TABLE signed_prekeys (
    device_id  uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    prekey_id  integer     NOT NULL,
    public_key bytea       NOT NULL,
    signature  bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    PRIMARY KEY (device_id, prekey_id),
    CONSTRAINT signed_prekeys_prekey_id_check CHECK (prekey_id >= 0),
    CONSTRAINT signed_prekeys_public_key_check CHECK (octet_length(public_key) = 33),
    CONSTRAINT signed_prekeys_signature_check CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE signed_prekeys IS 'Medium-term prekeys, rotated by the device; the newest is given out.';
COMMENT ON COLUMN signed_prekeys.signature IS 'XEdDSA by the identity key over the serialized public key.';
COMMENT ON COLUMN signed_prekeys.retired_at IS 'Replaced at; a late message may still use it. The current one has none.';
CREATE UNIQUE INDEX signed_prekeys_current_key ON signed_prekeys (device_id) WHERE retired_at IS NULL;
CREATE INDEX signed_prekeys_retired_at_idx ON signed_prekeys (retired_at) WHERE retired_at IS NOT NULL;

CREATE TABLE one_time_prekeys (
    device_id  uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    prekey_id  integer     NOT NULL,
    public_key bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, prekey_id),
    CONSTRAINT one_time_prekeys_prekey_id_check CHECK (prekey_id >= 0),
    CONSTRAINT one_time_prekeys_public_key_check CHECK (octet_length(public_key) = 33)
);
COMMENT ON TABLE one_time_prekeys IS 'Pool of keys used once: DELETE … RETURNING of the lowest id, with FOR UPDATE SKIP LOCKED.';

CREATE TABLE kyber_prekeys (
    device_id   uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    prekey_id   integer     NOT NULL,
    public_key  bytea       NOT NULL,
    signature   bytea       NOT NULL,
    last_resort boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, prekey_id),
    CONSTRAINT kyber_prekeys_prekey_id_check CHECK (prekey_id >= 0),
    CONSTRAINT kyber_prekeys_public_key_check CHECK (octet_length(public_key) = 1569),
    CONSTRAINT kyber_prekeys_signature_check CHECK (octet_length(signature) = 64)
);
COMMENT ON TABLE kyber_prekeys IS 'Post-quantum prekeys (PQXDH): a pool used once, and one of last resort that stays.';
COMMENT ON COLUMN kyber_prekeys.public_key IS 'libsignal serialization: 0x08 and 1,568 bytes (Kyber-1024).';
COMMENT ON COLUMN kyber_prekeys.last_resort IS 'Given out when the pool is empty, never consumed.';
CREATE UNIQUE INDEX kyber_prekeys_last_resort_key ON kyber_prekeys (device_id) WHERE last_resort;

CREATE TABLE sessions_crypto (
    device_id      uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    peer_device_id uuid        NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    state          bytea       NOT NULL,
    version        integer     NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, peer_device_id),
    CONSTRAINT sessions_crypto_self_check CHECK (device_id <> peer_device_id),
    CONSTRAINT sessions_crypto_version_check CHECK (version > 0),
    CONSTRAINT sessions_crypto_state_check CHECK (octet_length(state) BETWEEN 1 AND 65536)
);
COMMENT ON TABLE sessions_crypto IS 'Established Signal sessions, kept for the device that owns them.';
COMMENT ON COLUMN sessions_crypto.state IS 'Encrypted by the client; the server can not read it.';
COMMENT ON COLUMN sessions_crypto.version IS 'Raised at each write; a write names the version it replaces.';
CREATE INDEX sessions_crypto_peer_device_id_idx ON sessions_crypto (peer_device_id);

---------------------------------------------------------------------------------------- chats

CREATE TABLE chats (
    id          uuid        PRIMARY KEY,
    type        text        NOT NULL,
    title       text,
    description text        NOT NULL DEFAULT '',
    handle      citext,
    avatar_id   uuid,
    direct_key  text,
    last_seq    bigint      NOT NULL DEFAULT 0,
    created_by  uuid        REFERENCES users (id) ON DELETE SET NULL,
    settings    jsonb       NOT NULL DEFAULT '{}',
    metadata    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chats_direct_key_key UNIQUE (direct_key),
    CONSTRAINT chats_handle_key UNIQUE (handle),
    CONSTRAINT chats_type_check CHECK (type IN ('direct', 'group', 'channel')),
    CONSTRAINT chats_direct_check CHECK ((type = 'direct') = (direct_key IS NOT NULL)),
    CONSTRAINT chats_title_check CHECK (length(title) BETWEEN 1 AND 128),
    CONSTRAINT chats_handle_check CHECK (handle IS NULL OR (type = 'channel' AND handle ~ '^[a-z0-9_.-]{2,64}$')),
    CONSTRAINT chats_last_seq_check CHECK (last_seq >= 0),
    CONSTRAINT chats_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT chats_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
) WITH (fillfactor = 80); -- every message updates last_seq: leave room on the page for HOT updates
COMMENT ON TABLE chats IS 'Direct chats, groups and channels.';
COMMENT ON COLUMN chats.direct_key IS 'Direct chats only: the two member ids as text, smaller first, joined by a colon; one chat per pair.';
COMMENT ON COLUMN chats.handle IS 'Public name of a channel.';
COMMENT ON COLUMN chats.last_seq IS 'Sequence number of the newest message; counts without gaps and is raised by the statement that stores the message.';
CREATE INDEX chats_created_by_idx ON chats (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX chats_avatar_id_idx ON chats (avatar_id) WHERE avatar_id IS NOT NULL;

CREATE TABLE chat_members (
    chat_id     uuid        NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    user_id     uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        text        NOT NULL DEFAULT 'member',
    permissions jsonb       NOT NULL DEFAULT '{}',
    joined_seq  bigint      NOT NULL DEFAULT 0,
    joined_at   timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chat_id, user_id),
    CONSTRAINT chat_members_role_check CHECK (role IN ('owner', 'admin', 'member')),
    CONSTRAINT chat_members_joined_seq_check CHECK (joined_seq >= 0),
    CONSTRAINT chat_members_permissions_check CHECK (jsonb_typeof(permissions) = 'object')
);
COMMENT ON TABLE chat_members IS 'Who takes part in a chat; leaving deletes the row.';
COMMENT ON COLUMN chat_members.permissions IS 'Exceptions from what the role may do, by name.';
COMMENT ON COLUMN chat_members.joined_seq IS 'last_seq when the member joined: history up to it is not theirs. 0 shows everything.';
CREATE INDEX chat_members_user_id_idx ON chat_members (user_id, chat_id);

------------------------------------------------------------------------------------- messages

CREATE TABLE messages (
    id                uuid        PRIMARY KEY,
    chat_id           uuid        NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    seq               bigint      NOT NULL,
    sender_id         uuid        REFERENCES users (id) ON DELETE SET NULL,
    sender_device_id  uuid        REFERENCES devices (id) ON DELETE SET NULL,
    client_msg_id     uuid        NOT NULL,
    content_type      text        NOT NULL,
    content           text        NOT NULL,
    encrypted         boolean     NOT NULL DEFAULT true,
    metadata          jsonb       NOT NULL DEFAULT '{}',
    reply_to          uuid        REFERENCES messages (id) ON DELETE SET NULL,
    forwarded_from    uuid        REFERENCES messages (id) ON DELETE SET NULL,
    sent_at           timestamptz NOT NULL DEFAULT now(),
    deleted_at        timestamptz,
    CONSTRAINT messages_chat_id_seq_key UNIQUE (chat_id, seq),
    CONSTRAINT messages_sender_device_id_client_msg_id_key UNIQUE (sender_device_id, client_msg_id),
    CONSTRAINT messages_seq_check CHECK (seq > 0),
    CONSTRAINT messages_content_type_check CHECK (length(content_type) BETWEEN 1 AND 127),
    CONSTRAINT messages_content_check CHECK (octet_length(content) <= 98304),
    CONSTRAINT messages_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE messages IS 'All messages, in the order of their chat.';
COMMENT ON COLUMN messages.seq IS 'Position in the chat: 1, 2, 3 … without gaps.';
COMMENT ON COLUMN messages.client_msg_id IS 'Chosen by the sending device; a retry with the same id finds the first result.';
COMMENT ON COLUMN messages.content IS 'As the client sent it, at most 96 KiB; opaque to the server unless encrypted is false. Ciphertexts for single devices are in message_recipients.';
COMMENT ON COLUMN messages.encrypted IS 'False only for public channels, whose text the server may index.';
COMMENT ON COLUMN messages.metadata IS 'What the encryption scheme needs beside the ciphertext, such as its version.';
COMMENT ON COLUMN messages.deleted_at IS 'Deleted for everyone: content is emptied, the row keeps its place in the sequence.';
CREATE INDEX messages_sender_id_idx ON messages (sender_id);
CREATE INDEX messages_reply_to_idx ON messages (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX messages_forwarded_from_idx ON messages (forwarded_from) WHERE forwarded_from IS NOT NULL;

CREATE TABLE message_recipients (
    message_id uuid     NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    device_id  uuid     NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    type       smallint NOT NULL,
    ciphertext bytea    NOT NULL,
    PRIMARY KEY (message_id, device_id),
    CONSTRAINT message_recipients_type_check CHECK (type >= 0),
    CONSTRAINT message_recipients_ciphertext_check CHECK (octet_length(ciphertext) BETWEEN 1 AND 98304)
);
COMMENT ON TABLE message_recipients IS 'The ciphertext of a message for each single device.';
COMMENT ON COLUMN message_recipients.type IS 'libsignal ciphertext type: 2 session message, 3 prekey message, 7 sender key.';
CREATE INDEX message_recipients_device_id_idx ON message_recipients (device_id);

CREATE TABLE message_reactions (
    message_id uuid        NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    emoji      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message_id, user_id, emoji),
    CONSTRAINT message_reactions_emoji_check CHECK (length(emoji) BETWEEN 1 AND 64)
);
COMMENT ON TABLE message_reactions IS 'Emoji that members put on a message.';
CREATE INDEX message_reactions_user_id_idx ON message_reactions (user_id);

CREATE TABLE message_reads (
    chat_id       uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    last_read_seq bigint      NOT NULL,
    read_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chat_id, user_id),
    FOREIGN KEY (chat_id, user_id) REFERENCES chat_members (chat_id, user_id) ON DELETE CASCADE,
    CONSTRAINT message_reads_last_read_seq_check CHECK (last_read_seq >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE message_reads IS 'How far each member has read each chat: one pointer, not a row per message.';
COMMENT ON COLUMN message_reads.last_read_seq IS 'Everything up to this seq is read; never goes back.';
CREATE INDEX message_reads_user_id_idx ON message_reads (user_id);

---------------------------------------------------------------------------------------- media

CREATE TABLE media_files (
    id                   uuid        PRIMARY KEY,
    owner_id             uuid        REFERENCES users (id) ON DELETE SET NULL,
    chat_id              uuid        REFERENCES chats (id) ON DELETE SET NULL,
    purpose              text        NOT NULL DEFAULT 'attachment',
    object_key           text        NOT NULL,
    thumbnail_object_key text,
    size                 bigint      NOT NULL DEFAULT 0,
    sha256               bytea,
    content_type         text        NOT NULL DEFAULT 'application/octet-stream',
    file_name            text,
    encrypted            boolean     NOT NULL DEFAULT false,
    wrapped_key          bytea,
    width                integer,
    height               integer,
    duration_ms          integer,
    status               text        NOT NULL DEFAULT 'uploading',
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT media_files_object_key_key UNIQUE (object_key),
    CONSTRAINT media_files_thumbnail_object_key_key UNIQUE (thumbnail_object_key),
    CONSTRAINT media_files_purpose_check CHECK (purpose IN ('attachment', 'avatar', 'sticker', 'story')),
    CONSTRAINT media_files_status_check CHECK (status IN ('uploading', 'ready', 'failed', 'deleted')),
    CONSTRAINT media_files_ready_check CHECK (status <> 'ready' OR sha256 IS NOT NULL),
    CONSTRAINT media_files_size_check CHECK (size >= 0),
    CONSTRAINT media_files_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT media_files_file_name_check CHECK (length(file_name) BETWEEN 1 AND 255),
    CONSTRAINT media_files_width_check CHECK (width > 0),
    CONSTRAINT media_files_height_check CHECK (height > 0),
    CONSTRAINT media_files_duration_ms_check CHECK (duration_ms >= 0)
);
COMMENT ON TABLE media_files IS 'What the object store holds and who may see it.';
COMMENT ON COLUMN media_files.owner_id IS 'Null once the account is gone; the worker then deletes object and row.';
COMMENT ON COLUMN media_files.chat_id IS 'Members of this chat may download; without one only the owner may, or everyone for avatars and stickers.';
COMMENT ON COLUMN media_files.object_key IS 'Key in the bucket <prefix>media.';
COMMENT ON COLUMN media_files.sha256 IS 'Of the stored bytes: of the ciphertext when encrypted.';
COMMENT ON COLUMN media_files.encrypted IS 'True: an opaque blob; no thumbnail, no sniffing.';
COMMENT ON COLUMN media_files.wrapped_key IS 'The file''s key, encrypted by the client; the server can not read it.';
COMMENT ON COLUMN media_files.status IS 'uploading: bytes not complete; ready; failed; deleted: object to be removed by the worker.';
CREATE INDEX media_files_owner_id_idx ON media_files (owner_id, created_at);
CREATE INDEX media_files_chat_id_idx ON media_files (chat_id) WHERE chat_id IS NOT NULL;
CREATE INDEX media_files_unfinished_idx ON media_files (created_at) WHERE status <> 'ready';

ALTER TABLE users ADD CONSTRAINT users_avatar_id_fkey
    FOREIGN KEY (avatar_id) REFERENCES media_files (id) ON DELETE SET NULL;
ALTER TABLE chats ADD CONSTRAINT chats_avatar_id_fkey
    FOREIGN KEY (avatar_id) REFERENCES media_files (id) ON DELETE SET NULL;

CREATE TABLE sticker_packs (
    id         uuid        PRIMARY KEY,
    owner_id   uuid        REFERENCES users (id) ON DELETE SET NULL,
    title      text        NOT NULL,
    is_public  boolean     NOT NULL DEFAULT false,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sticker_packs_title_check CHECK (length(title) BETWEEN 1 AND 128),
    CONSTRAINT sticker_packs_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE sticker_packs IS 'Sets of stickers.';
CREATE INDEX sticker_packs_owner_id_idx ON sticker_packs (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE stickers (
    id         uuid        PRIMARY KEY,
    pack_id    uuid        NOT NULL REFERENCES sticker_packs (id) ON DELETE CASCADE,
    media_id   uuid        NOT NULL REFERENCES media_files (id) ON DELETE RESTRICT,
    position   integer     NOT NULL,
    emoji      text        NOT NULL DEFAULT '',
    metadata   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stickers_pack_id_position_key UNIQUE (pack_id, position) DEFERRABLE,
    CONSTRAINT stickers_position_check CHECK (position >= 0),
    CONSTRAINT stickers_emoji_check CHECK (length(emoji) <= 64),
    CONSTRAINT stickers_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE stickers IS 'Stickers of a pack, in its order.';
COMMENT ON COLUMN stickers.media_id IS 'Its picture can not be deleted while the sticker exists.';
CREATE INDEX stickers_media_id_idx ON stickers (media_id);

-------------------------------------------------------------------------------------- stories

CREATE TABLE story_privacy_lists (
    id         uuid        PRIMARY KEY,
    owner_id   uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       text        NOT NULL,
    rule       text        NOT NULL DEFAULT 'only',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT story_privacy_lists_owner_id_name_key UNIQUE (owner_id, name),
    CONSTRAINT story_privacy_lists_owner_id_id_key UNIQUE (owner_id, id),
    CONSTRAINT story_privacy_lists_name_check CHECK (length(name) BETWEEN 1 AND 128),
    CONSTRAINT story_privacy_lists_rule_check CHECK (rule IN ('only', 'except'))
);
COMMENT ON TABLE story_privacy_lists IS 'Audiences an account has made for its stories.';
COMMENT ON COLUMN story_privacy_lists.rule IS 'only: just the listed people see the story; except: all contacts but them.';

CREATE TABLE story_privacy_list_members (
    list_id uuid NOT NULL REFERENCES story_privacy_lists (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (list_id, user_id)
);
COMMENT ON TABLE story_privacy_list_members IS 'The people on a privacy list.';
CREATE INDEX story_privacy_list_members_user_id_idx ON story_privacy_list_members (user_id);

CREATE TABLE stories (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    media_id        uuid        REFERENCES media_files (id) ON DELETE CASCADE,
    content_type    text        NOT NULL,
    content         text        NOT NULL DEFAULT '',
    privacy         text        NOT NULL DEFAULT 'contacts',
    privacy_list_id uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    FOREIGN KEY (user_id, privacy_list_id) REFERENCES story_privacy_lists (owner_id, id) ON DELETE CASCADE,
    CONSTRAINT stories_privacy_check CHECK (privacy IN ('everyone', 'contacts', 'list')),
    CONSTRAINT stories_privacy_list_id_check CHECK ((privacy = 'list') = (privacy_list_id IS NOT NULL)),
    CONSTRAINT stories_content_type_check CHECK (length(content_type) BETWEEN 1 AND 127),
    CONSTRAINT stories_content_check CHECK (octet_length(content) <= 98304),
    CONSTRAINT stories_expires_at_check CHECK (expires_at > created_at)
);
COMMENT ON TABLE stories IS 'Posts that vanish after 24 hours.';
COMMENT ON COLUMN stories.privacy_list_id IS 'A list of the same account; deleting it deletes its stories rather than showing them to more people.';
COMMENT ON COLUMN stories.expires_at IS 'Not shown from then on; the worker deletes the row and its media.';
CREATE INDEX stories_user_id_idx ON stories (user_id, expires_at);
CREATE INDEX stories_expires_at_idx ON stories (expires_at);
CREATE INDEX stories_media_id_idx ON stories (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX stories_privacy_list_id_idx ON stories (privacy_list_id) WHERE privacy_list_id IS NOT NULL;

CREATE TABLE story_views (
    story_id  uuid        NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
    viewer_id uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    viewed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (story_id, viewer_id)
);
COMMENT ON TABLE story_views IS 'Who has seen a story, and when first.';
CREATE INDEX story_views_viewer_id_idx ON story_views (viewer_id);

---------------------------------------------------------------------------------------- calls

CREATE TABLE calls (
    id           uuid        PRIMARY KEY,
    chat_id      uuid        NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    initiator_id uuid        REFERENCES users (id) ON DELETE SET NULL,
    kind         text        NOT NULL,
    status       text        NOT NULL DEFAULT 'ringing',
    livekit_room text        NOT NULL,
    metadata     jsonb       NOT NULL DEFAULT '{}',
    started_at   timestamptz NOT NULL DEFAULT now(),
    answered_at  timestamptz,
    ended_at     timestamptz,
    CONSTRAINT calls_livekit_room_key UNIQUE (livekit_room),
    CONSTRAINT calls_kind_check CHECK (kind IN ('audio', 'video')),
    CONSTRAINT calls_status_check CHECK (status IN ('ringing', 'active', 'ended', 'missed', 'declined', 'failed')),
    CONSTRAINT calls_ended_check CHECK ((status IN ('ringing', 'active')) = (ended_at IS NULL)),
    CONSTRAINT calls_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE calls IS 'Call history and the calls that are on.';
COMMENT ON COLUMN calls.livekit_room IS 'Room of the media server that carries the call.';
CREATE INDEX calls_chat_id_idx ON calls (chat_id, started_at);
CREATE INDEX calls_initiator_id_idx ON calls (initiator_id) WHERE initiator_id IS NOT NULL;
CREATE INDEX calls_open_idx ON calls (started_at) WHERE ended_at IS NULL;

CREATE TABLE call_participants (
    id        uuid        PRIMARY KEY,
    call_id   uuid        NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    user_id   uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id uuid        REFERENCES devices (id) ON DELETE SET NULL,
    joined_at timestamptz NOT NULL DEFAULT now(),
    left_at   timestamptz,
    CONSTRAINT call_participants_left_at_check CHECK (left_at >= joined_at)
);
COMMENT ON TABLE call_participants IS 'Each stay of a participant in a call; coming back is a new row.';
CREATE INDEX call_participants_call_id_idx ON call_participants (call_id, joined_at);
CREATE INDEX call_participants_user_id_idx ON call_participants (user_id);
CREATE INDEX call_participants_device_id_idx ON call_participants (device_id) WHERE device_id IS NOT NULL;

----------------------------------------------------------------------------------------- jobs

CREATE TABLE outbox (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL,
    payload      jsonb       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    available_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_kind_check CHECK (kind ~ '^[a-z_]+[.][a-z_]+$'),
    CONSTRAINT outbox_payload_check CHECK (jsonb_typeof(payload) = 'object')
);
COMMENT ON TABLE outbox IS 'Jobs written in the transaction of the change that caused them; the worker relays them to the broker and deletes them.';
COMMENT ON COLUMN outbox.kind IS 'queue.verb, such as email.verification; the part before the dot is the routing key.';
COMMENT ON COLUMN outbox.available_at IS 'Not relayed before.';
CREATE INDEX outbox_available_at_idx ON outbox (available_at, id);

CREATE TABLE jobs_done (
    id      uuid        PRIMARY KEY,
    kind    text        NOT NULL,
    done_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE jobs_done IS 'Ids of jobs that were carried out, so that a second delivery does nothing; old rows are deleted.';
CREATE INDEX jobs_done_done_at_idx ON jobs_done (done_at);

------------------------------------------------------------------------------------- triggers

-- No WHEN (OLD.* IS DISTINCT FROM NEW.*): a dump of a table with generated columns, which some of
-- these get later, could not be restored with it.
CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER devices_updated_at BEFORE UPDATE ON devices
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER contacts_updated_at BEFORE UPDATE ON contacts
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER identity_keys_updated_at BEFORE UPDATE ON identity_keys
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER sessions_crypto_updated_at BEFORE UPDATE ON sessions_crypto
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
-- Not for last_seq: a message is no change of the chat itself, and this is the hottest update of all.
CREATE TRIGGER chats_updated_at
    BEFORE UPDATE OF type, title, description, handle, avatar_id, settings, metadata ON chats
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER chat_members_updated_at BEFORE UPDATE ON chat_members
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER media_files_updated_at BEFORE UPDATE ON media_files
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER sticker_packs_updated_at BEFORE UPDATE ON sticker_packs
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER story_privacy_lists_updated_at BEFORE UPDATE ON story_privacy_lists
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER message_reads_forward BEFORE UPDATE ON message_reads
    FOR EACH ROW EXECUTE FUNCTION keep_read_pointer();
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox();

COMMIT;
