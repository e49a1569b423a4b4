//! Every bound of the control group's state. What would pass one is refused (`PERMANENT_LIMIT`), except
//! where the text says that the oldest goes.

/// Nodes of a cluster.
pub const NODES_MAX: usize = 128;
/// Addresses have at most so many bytes each.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// Shards of a node.
pub const SHARDS_MAX: u32 = 1_024;
/// Partition spaces.
pub const SPACES_MAX: usize = 64;
/// Partitions of all spaces together.
pub const PARTITIONS_MAX: usize = 4_096;
/// Voters of a partition.
pub const VOTERS_MAX: usize = 7;
/// Streams of all definitions together.
pub const STREAMS_MAX: usize = 4_096;
/// Columns of a stream.
pub const COLUMNS_MAX: usize = 1_024;
/// Bytes of the name of a column's type.
pub const TYPE_BYTES_MAX: usize = 4_096;
/// Bytes of a column's default.
pub const DEFAULT_BYTES_MAX: usize = 4_096;
/// Schema versions of a stream; all are kept, because frames of any may be in a log.
pub const SCHEMA_VERSIONS_MAX: usize = 256;
/// Definitions.
pub const DEFINITIONS_MAX: usize = 1_024;
/// Versions kept of a definition; the oldest that is not in use goes.
pub const DEFINITION_VERSIONS_MAX: usize = 16;
/// Bytes of the text of a definition.
pub const DEFINITION_BYTES_MAX: usize = 1 << 20;
/// Bytes of the texts of all versions of all definitions.
pub const DEFINITIONS_BYTES_MAX: usize = 64 << 20;
/// Streams that a definition declares, and that it reads.
pub const DEFINITION_STREAMS_MAX: usize = 256;
/// Bytes of the name of a node, space, stream, column, definition or actor.
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of the reason that someone gives for a command.
pub const WHY_BYTES_MAX: usize = 1_024;
/// Settings of a config version.
pub const SETTINGS_MAX: usize = 4_096;
/// Config versions kept, the newest; the oldest goes.
pub const CONFIG_VERSIONS_MAX: usize = 1_000;
/// Settings of all kept config versions together; the oldest version goes.
pub const CONFIG_HISTORY_SETTINGS_MAX: usize = 262_144;
/// Overrides that are on or will be.
pub const OVERRIDES_MAX: usize = 256;
/// Settings of an override.
pub const OVERRIDE_SETTINGS_MAX: usize = 64;
/// Problems that a refusal lists; there may be more.
pub const PROBLEMS_MAX: usize = 100;
/// Bytes of a text made by the control group; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 512;
/// Commands whose outcome is remembered; the oldest is forgotten.
pub const COMMANDS_REMEMBERED_MAX: usize = 4_096;
/// Audit records kept in the state, the newest; all were given to the host as well.
pub const AUDIT_RECORDS_MAX: usize = 4_096;
/// Bytes of an encoded command.
pub const COMMAND_BYTES_MAX: usize = 8 << 20;
/// Bytes of an encoded snapshot that is read.
pub const SNAPSHOT_BYTES_MAX: usize = 512 << 20;

const _: () = assert!(COMMAND_BYTES_MAX >= 6 * DEFINITION_BYTES_MAX + (1 << 20));
const _: () = assert!(SETTINGS_MAX <= CONFIG_HISTORY_SETTINGS_MAX);
