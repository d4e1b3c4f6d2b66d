// The fields of volumes.
#include "model/fields/rows_detail.hpp"

#include <array>

namespace rik::detail::rows {

namespace {

constexpr std::string_view driver_is_missing = "RIK has no driver for it";
constexpr std::string_view this_volume_comes_later = "of all volumes only emptyDir is there yet";

constexpr std::array empty_dir_fields{
    field{"medium", words("|Memory|HugePages|HugePages-2Mi|HugePages-1Gi"),
          "Where it is: empty for the node's disk, or Memory."}
        .without("HugePages|HugePages-2Mi|HugePages-1Gi", "nodes offer no huge pages"),
    field{"sizeLimit", quantity(), "How many bytes may be in it; 0 is no limit."},
    field{"mode", anything(), "The mode of the directory."}.refused("an emptyDir can be written by everybody"),
};
constexpr object_type empty_dir{"EmptyDirVolumeSource", "A directory that lives as long as the Pod.", empty_dir_fields};

constexpr std::array host_path_fields{
    field{"path", text(absolute_path), "The path on the node."}.needed("give the path"),
    field{"type", words("|DirectoryOrCreate|Directory|FileOrCreate|File|Socket|CharDevice|BlockDevice"),
          "What must be there."},
};
constexpr object_type host_path{"HostPathVolumeSource", "A path of the node.", host_path_fields};

constexpr std::array volume_fields{
    field{"name", text(dns_label), "Names the volume; unique in its Pod."}.needed("name the volume"),
    field{"emptyDir", object(empty_dir),
          "A directory that lives as long as the Pod; what a volume is if nothing is said."},
    field{"hostPath", object(host_path), "A path of the node."}.refused("paths of nodes are not given to Pods yet"),
    field{"configMap", anything(), "The entries of a ConfigMap as files."}.refused(this_volume_comes_later),
    field{"secret", anything(), "The entries of a Secret as files."}.refused(this_volume_comes_later),
    field{"downwardAPI", anything(), "Fields of the Pod as files."}.refused(this_volume_comes_later),
    field{"projected", anything(), "Several sources in one directory."}.refused(this_volume_comes_later),
    field{"persistentVolumeClaim", anything(), "A volume that outlives the Pod."}.refused(this_volume_comes_later),
    field{"ephemeral", anything(), "A volume that is claimed for the Pod."}.refused(this_volume_comes_later),
    field{"image", anything(), "The content of an image."}.refused(this_volume_comes_later),
    field{"csi", anything(), "A volume of a storage driver."}.refused(driver_is_missing),
    field{"nfs", anything(), "A directory of an NFS server."}.refused(driver_is_missing),
    field{"iscsi", anything(), "A disk of an iSCSI target."}.refused(driver_is_missing),
    field{"fc", anything(), "A disk of Fibre Channel."}.refused(driver_is_missing),
    field{"flexVolume", anything(), "A volume of a driver program."}.refused(driver_is_missing),
    field{"flocker", anything(), "A dataset of Flocker."}.refused(driver_is_missing),
    field{"gitRepo", anything(), "A clone of a repository."}.refused(driver_is_missing),
    field{"glusterfs", anything(), "A volume of GlusterFS."}.refused(driver_is_missing),
    field{"cephfs", anything(), "A directory of CephFS."}.refused(driver_is_missing),
    field{"rbd", anything(), "An image of Ceph."}.refused(driver_is_missing),
    field{"cinder", anything(), "A disk of OpenStack."}.refused(driver_is_missing),
    field{"awsElasticBlockStore", anything(), "A disk of AWS."}.refused(driver_is_missing),
    field{"azureDisk", anything(), "A disk of Azure."}.refused(driver_is_missing),
    field{"azureFile", anything(), "A share of Azure."}.refused(driver_is_missing),
    field{"gcePersistentDisk", anything(), "A disk of GCE."}.refused(driver_is_missing),
    field{"portworxVolume", anything(), "A volume of Portworx."}.refused(driver_is_missing),
    field{"quobyte", anything(), "A volume of Quobyte."}.refused(driver_is_missing),
    field{"scaleIO", anything(), "A volume of ScaleIO."}.refused(driver_is_missing),
    field{"storageos", anything(), "A volume of StorageOS."}.refused(driver_is_missing),
    field{"vsphereVolume", anything(), "A disk of vSphere."}.refused(driver_is_missing),
    field{"photonPersistentDisk", anything(), "A disk of Photon."}.refused(driver_is_missing),
};

constexpr std::array mount_fields{
    field{"name", text(dns_label), "The volume."}.needed("name the volume"),
    field{"mountPath", text(mount_path), "Where the container sees it."}.needed("say where the container sees it"),
    field{"subPath", text(sub_path), "The directory of the volume that is seen, in place of all of it."},
    field{"subPathExpr", text(), "The same, with $(NAME) replaced by variables."}.refused(
        "variables in paths of volumes come with a later version"),
    field{"readOnly", boolean(), "Whether the container cannot write it."}.by_default("false"),
    field{"recursiveReadOnly", words("Disabled|IfPossible|Enabled"),
          "Whether that holds for mounts below it, too; there are none."}
        .by_default("Disabled"),
    field{"mountPropagation", words("None|HostToContainer|Bidirectional"), "Whether mounts below it are seen outside."}
        .by_default("None")
        .without("HostToContainer|Bidirectional",
                 "mounts that are made later are not carried between a node and its containers"),
};

constexpr std::array device_fields{
    field{"name", text(dns_label), "The volume."}.needed("name the volume"),
    field{"devicePath", text(), "Where the container sees it."}.needed("say where the container sees it"),
};

}  // namespace

constinit object_type const volume{"Volume", "Files that the containers of a Pod share.", volume_fields};
constinit object_type const volume_mount{"VolumeMount", "Where a container sees a volume.", mount_fields};
constinit object_type const volume_device{"VolumeDevice", "Where a container sees a volume as a device.",
                                          device_fields};

}  // namespace rik::detail::rows
