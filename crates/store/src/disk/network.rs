//! Which file systems are shared with other machines.

/// The numbers by which the kernel names the file systems that other machines can write to, and
/// what they are called.
///
/// The shared folders of a virtual machine (9p, vboxsf, vmhgfs, prlfs) are among them: what the host
/// writes is not seen in shared memory here. FUSE is not: the number does not tell a network's
/// (sshfs) from a local one.
const KNOWN: [(u32, &str); 22] = [
    (0x0000_6969, "nfs"),
    (0x0000_517B, "smb"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x0000_564C, "ncp"),
    (0x0116_1970, "gfs2"),
    (0x7461_636F, "ocfs2"),
    (0x0BD0_0BD0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x2003_0528, "orangefs"),
    (0x1983_0326, "beegfs"),
    (0xAAD7_AAEA, "panfs"),
    (0xBEEF_DEAD, "snfs"),
    (0x6163_6673, "acfs"),
    (0x786F_4256, "vboxsf"),
    (0xBACB_ACBC, "vmhgfs"),
    (0x7C7C_6673, "prlfs"),
];

/// Returns what the file system of this number is called, if other machines share it.
pub(super) fn name(kind: u32) -> Option<&'static str> {
    KNOWN
        .iter()
        .find_map(|&(number, name)| (number == kind).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn local_file_systems_are_not_network_ones() {
        let ext4 = 0xEF53;
        let (xfs, btrfs, tmpfs) = (0x5846_5342, 0x9123_683E, 0x0102_1994);
        let (overlay, fuse, zfs) = (0x794C_7630, 0x6573_5546, 0x2FC1_2FC1);
        for local in [ext4, xfs, btrfs, tmpfs, overlay, fuse, zfs] {
            assert_eq!(name(local), None, "{local:#x}");
        }
        assert_eq!(name(0x6969), Some("nfs"));
        assert_eq!(name(0xFE53_4D42), Some("smb2"));
    }
}
