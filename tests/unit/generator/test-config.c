/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: what is taken from the text, every message, and what makes up for a
 * UUID. */
#include "tests/unit/generator/describe.h"

#define UMLAUTS_29 "äääääääääääääääääääääääääääää"
#define UMLAUTS    UMLAUTS_29 "ä"
#define LONG       "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

/* Text of web.ini and the problems that it has. */
static const struct {
    const char *text, *problems;
} wrong[] = {
    {"vcpus=1\n" VM_A, "web.ini:1: 'vcpus' stands before any section; begin the file with [vm]\n"},
    {VM_A "[netwrk eth0]\nmac=x\n",
     "web.ini:4: unknown section [netwrk eth0]; did you mean [network ID]?\n"},
    {VM_A "[VM]\n", "web.ini:4: unknown section [VM]; did you mean [vm]?\n"},
    {VM_A "[cpu]\n", "web.ini:4: unknown section [cpu]; there are [vm], [network ID], [disk ID], "
                     "[vsock], [credentials], [console] and [balloon]\n"},
    {VM_A "[credential]\n",
     "web.ini:4: unknown section [credential]; did you mean [credentials]?\n"},
    {VM_A "[credentials web]\n",
     "web.ini:4: [credentials] takes no id; write [credentials], not [credentials web]\n"},
    {VM_A "[credentials]\na=x\na=y\n", "web.ini:6: a is set again; line 5 sets it already\n"},
    {VM_A "[credentials]\na=@x\n",
     "web.ini:5: a must be text, or a file's absolute path behind '@', not '@x': it does not begin "
     "with '/'\n"},
    {VM_A "[credentials]\na/b=x\n",
     "web.ini:5: 'a/b' cannot be a credential's name: it may have no other characters than "
     "printable ASCII without blanks, '/', ':' and backslashes\n"},
    {VM_A "[network]\n", "web.ini:4: [network] needs an id, such as [network eth0]\n"},
    {VM_A "[disk]\n", "web.ini:4: [disk] needs an id, such as [disk root]\n"},
    {"[vm x]\nuuid=" UUID_A "\n", "web.ini:1: [vm] takes no id; write [vm], not [vm x]\n"
                                  "web.ini: there is no [vm] section; every VM needs one, if only "
                                  "an empty one\n"},
    {VM_A "[network Eth0]\n",
     "web.ini:4: the id 'Eth0' must be 1 to 15 characters of a-z, 0-9, '_' and '-'\n"},
    {VM_A "[network eth0 eth1]\n",
     "web.ini:4: the id 'eth0 eth1' must be 1 to 15 characters of a-z, 0-9, '_' and '-'\n"},
    {VM_A "[vm]\n", "web.ini:4: [vm] stands here again; put its settings into one section\n"},
    {VM_A "[network a]\n[network b]\n[network a]\n",
     "web.ini:6: [network a] stands here again; put its settings into one section\n"},
    {VM_A "vcpus=1\nvcpus=1\n", "web.ini:5: vcpus is set again; line 4 sets it already\n"},
    {VM_A "[vm]\nkernel=k\n", "web.ini:4: [vm] stands here again; put its settings into one "
                              "section\nweb.ini:5: kernel is set again; line 3 sets it already\n"},
    {VM_A "vcpu=2\n", "web.ini:4: unknown key 'vcpu' in [vm]; did you mean 'vcpus'?\n"},
    {VM_A "memory=2\n", "web.ini:4: unknown key 'memory' in [vm]; did you mean 'memory_mib'?\n"},
    {VM_A "colour=red\n",
     "web.ini:4: unknown key 'colour' in [vm]; see volt.vm(5) for those that there are\n"},
    {VM_A "mac=52:54:00:12:34:56\n", "web.ini:4: 'mac' belongs into [network ID], not into [vm]\n"},
    {VM_A "[network a]\nvcpus=2\n", "web.ini:5: 'vcpus' belongs into [vm], not into [network]\n"},
    {VM_A "vcpus=\n", "web.ini:4: vcpus has no value; remove the line or give it one\n"},
    {VM_A "vcpus=two\n", "web.ini:4: vcpus must be a whole number from 1 to 254, not 'two'\n"},
    {VM_A "vcpus=2 3\n", "web.ini:4: vcpus must be a whole number from 1 to 254, not '2 3'\n"},
    {VM_A "vcpus=255\n",
     "web.ini:4: vcpus must be a whole number from 1 to 254, not '255': it is too large\n"},
    {VM_A "vcpus=2 # two\n",
     "web.ini:4: vcpus must be a whole number from 1 to 254, not '2 # two'; "
     "a comment at a line's end begins with ' ;'\n"},
    {VM_A "vcpus=\"2\"\n", "web.ini:4: vcpus must be a whole number from 1 to 254, not '\"2\"'; "
                           "values are written without quotes\n"},
    {VM_A "cpu_quota=0%\n", "web.ini:4: cpu_quota must be a percentage from 1% to 100000%, not "
                            "'0%': it is too small\n"},
    {VM_A "autostart=" LONG "g\n", "web.ini:4: autostart must be yes or no, not '" LONG "...'\n"},
    /* Cut between letters: this one's two bytes are the 60th and the 61st. */
    {VM_A "autostart=." UMLAUTS "\n",
     "web.ini:4: autostart must be yes or no, not '." UMLAUTS_29 "...'\n"},
    {VM_A "." UMLAUTS "=1\n",
     "web.ini:4: unknown key '." UMLAUTS_29 "' in [vm]; see volt.vm(5) for those that there are\n"},
    {VM_A "[network a]\nmode=routed\n",
     "web.ini:5: mode must be networkd or direct, not 'routed'\n"},
    {VM_A "initrd=web.cpio\n",
     "web.ini:4: initrd must be an absolute path, or none, not 'web.cpio': it does "
     "not begin with '/'\n"},
    {VM_A "memory_max=1M\n", "web.ini:4: memory_max is less than the guest's memory, memory_mib = "
                             "512; raise it or leave it out\n"},
    {VM_A "colo\tr\x01=1\n", "web.ini:4: column 7 is the control character \\x01; remove it\n"},
    {VM_A "a\tb=1\n",
     "web.ini:4: unknown key 'a\\x09b' in [vm]; see volt.vm(5) for those that there are\n"},
    {"[vm]\nkernel=k\n",
     "web.ini:1: there is no uuid, and the file's name is none; add one: uuid = "
     "UUID (uuidgen makes one)\n"},
    {"[vm]\nuuid=" UUID_A "\nkernel=/k\nverify=always\n",
     "web.ini:4: verify = always needs kernel = NAME: there is no manifest to hold a path "
     "against\n"},
    {VM_A "initrd=none\nverify=no\n", "web.ini:5: verify must be auto or always, not 'no'\n"},
    {"# uuid=" UUID_A "\n",
     "web.ini: there is no uuid, and the file's name is none; add one: uuid = UUID (uuidgen makes "
     "one)\n"
     "web.ini: there is no [vm] section; every VM needs one, if only an empty one\n"},
    {VM_A "[network a]\nbridge=br0\nzone=z\n",
     "web.ini:6: bridge (line 5) and zone exclude each other; keep one\n"},
    {VM_A "[network a]\nbridge=br0\ntap=br0\n",
     "web.ini:6: the TAP and its bridge have the same name, br0\n"},
    {VM_A "[network a]\nmultiqueue=9\n",
     "web.ini:5: multiqueue must be a whole number from 1 to 8, not '9': it is too large\n"},
    {VM_A "[network a]\nbridge=b\nipv4=auto\n",
     "web.ini:6: ipv4 = auto needs a zone to take the address from; add zone = NAME, or write the "
     "address\n"},
    {VM_A "[network a]\nbridge=b\naddress=dhcp\n",
     "web.ini:6: there is no address to hand over; add ipv4 = ADDRESS/PREFIX\n"},
    {VM_A "[network a]\nipv4=10.0.0.1/8\naddress=dhcp\n",
     "web.ini:6: address = dhcp needs a bridge with a DHCP server; add bridge = NAME or zone = "
     "NAME, "
     "or use address = cmdline\n"},
    {VM_A "[network a]\nipv4=10.0.0.1/8\naddress=cmdline\n", ""},
    {VM_A "[network a]\nipv4=10.0.0.1/8\n", ""},
    {VM_A "[network a]\nbridge=b\naddress=none\n", ""},
    {VM_A "[network a]\nbridge=b\naddress=static\n",
     "web.ini:6: address must be none, dhcp or cmdline, not 'static'\n"},
    {VM_A "[network a]\nisolated=yes\n",
     "web.ini:5: isolated = yes is about the other ports of a bridge; add bridge = NAME or zone = "
     "NAME\n"},
    {VM_A "[network a]\nrate_mbit=0\n",
     "web.ini:5: rate_mbit must be a whole number from 1 to 100000, not '0': it is too small\n"},
    {VM_A "[network a]\nzone=z\n",
     "web.ini:5: zone 'z': /etc/volt/zones/z.ini: there is no such file, nor one in another place "
     "for zones; see volt.zone(5)\n"},
    {VM_A "[network a]\nzone=a%b\n",
     "web.ini:5: zone must be a name of at most 63 letters, digits, '.', '_' and '-', a letter or "
     "digit first, not 'a%b'\n"},
    {VM_A "[network a]\nzone=a/../../z\n",
     "web.ini:5: zone must be a name of at most 63 letters, digits, '.', '_' and '-', a letter or "
     "digit first, not 'a/../../z'\n"},
    {VM_A "[network a]\nzone=../z\n",
     "web.ini:5: zone must be a name of at most 63 letters, digits, '.', '_' and '-', a letter or "
     "digit first, not '../z'\n"},
    {VM_A "[disk root]\n", "web.ini:4: there is no path in [disk root]; add path = /PATH\n"},
    {VM_A "[disk root]\npath=/x\ncache=unsafe\nqueues=9\n",
     "web.ini:6: cache must be writeback or none, not 'unsafe'\n"
     "web.ini:7: queues must be a whole number from 1 to 8, not '9': it is too large\n"},
    {VM_A "[disk a]\npath=/x\nreadonly=yes\n[disk b]\npath=/x\nreadonly=yes\n", ""},
    {VM_A "[disk a]\npath=/x\nreadonly=yes\n[disk b]\npath=/x\n",
     "web.ini:8: path /x is also that of [disk a]; a disk that is written to can be there only "
     "once\n"},
    {VM_A "[network 1]\n[network 2]\n[network 3]\n[network 4]\n[network 5]\n[network 6]\n"
          "[network 7]\n[network 8]\n[network 9]\nmac=x\n",
     "web.ini:12: this is one [network] too many; at most 8 are allowed\n"},
};

static void test_messages(_unused_ void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        _cleanup_vm_config_ struct vm_config *config = describe_text(wrong[i].text);

        assert_problems(config, wrong[i].problems);
    }
}

static void test_everything_set(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config = describe_text(
        "[vm]\nuuid=6BA7B810-9DAD-11D1-80B4-00C04FD430C8\nname=Web\nvcpus=2\nmemory_mib=1024\n"
        "memory_max=2G\ncpu_quota=150%\nkernel=/boot/vmlinuz\ninitrd=/i\ncmdline=root=/dev/vda ro\n"
        "stop_timeout_sec=60\nautostart=yes\n"
        "[network eth0]\nmode=direct\ntap=t0\nbridge=br0\nmac=52:54:00:12:34:56\n"
        "ipv4=10.42.0.10/24\nmtu=9000\nvhost=no\nmultiqueue=1\n");
    const struct network_section *network = config->networks[0];

    assert_problems(config, "");
    assert_string_equal(config->vm.uuid, UUID_A);
    assert_string_equal(config->vm.name, "Web");
    assert_string_equal(config->unit_name, "Web");
    assert_int_equal(config->vm.vcpus, 2);
    assert_int_equal(config->vm.memory_mib, 1024);
    assert_int_equal(config->vm.memory_max, UINT64_C(2) << 30);
    assert_int_equal(config->vm.cpu_quota, 150);
    assert_string_equal(config->vm.kernel, "/boot/vmlinuz");
    assert_string_equal(config->vm.initrd, "/i");
    assert_string_equal(config->vm.cmdline, "root=/dev/vda ro");
    assert_int_equal(config->vm.stop_timeout_sec, 60);
    assert_true(config->vm.autostart);
    assert_int_equal(config->networks_count, 1);
    assert_int_equal(network->mode, NETWORK_MODE_DIRECT);
    assert_string_equal(network->tap, "t0");
    assert_string_equal(network->bridge, "br0");
    assert_int_equal(network->mac.bytes[5], 0x56);
    assert_int_equal(network->ipv4.prefix, 24);
    assert_int_equal(network->mtu, 9000);
    assert_false(network->vhost);
}

static void test_no_kernel_is_the_default_one(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config = describe_text("[vm]\nuuid=" UUID_A "\n");

    assert_problems(config, "");
    assert_string_equal(config->vm.kernel, "default");
}

static void test_defaults(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config =
        describe_text(VM_A "[network eth0]\n[network eth1]\n[network eth2]\n");
    char mac[MAC_TEXT_SIZE];

    assert_problems(config, "");
    assert_string_equal(config->vm.name, "web");
    assert_int_equal(config->vm.vcpus, 1);
    assert_int_equal(config->vm.memory_mib, 512);
    assert_int_equal(config->vm.stop_timeout_sec, 30);
    assert_false(config->vm.autostart);
    assert_null(config->vm.initrd);
    assert_int_equal(config->vm.verify, VERIFY_AUTO);
    assert_string_equal(config->networks[0]->tap, "tap-6ba7b810");
    assert_string_equal(config->networks[1]->tap, "tap-6ba7b810-1");
    assert_string_equal(config->networks[2]->tap, "tap-6ba7b810-2");
    assert_true(config->networks[0]->vhost);
    assert_int_equal(config->networks[0]->multiqueue, 1);
    /* Guests know their interfaces by these: they must never change. */
    mac_format(&config->networks[0]->mac, mac);
    assert_string_equal(mac, "92:27:c0:f1:10:cd");
    mac_format(&config->networks[1]->mac, mac);
    assert_string_equal(mac, "6a:73:4c:8d:0b:8e");
}

static void test_uuid_from_file_name(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config =
        describe("7BA7B810-9dad-11d1-80b4-00c04fd430c8.ini", "[vm]\nkernel=k\n", 14, NULL);

    assert_problems(config, "");
    assert_string_equal(config->vm.uuid, UUID_B);
    assert_string_equal(config->vm.name, "7BA7B810-9dad-11d1-80b4-00c04fd430c8");
}

/* A bad file shall still be found by its UUID. */
static void test_uuid_of_bad_files(_unused_ void **state)
{
    static const char *const texts[] = {
        "[mv]\nuuid=" UUID_A "\n",     "uuid=" UUID_A "\n[vm]\n",
        "[vm]\nuuid " UUID_A "\n",     "[vm]\nuuid: " UUID_A "\n",
        "[vm]\nuid=" UUID_A "\n",      "[vm]\nUUID = \"" UUID_A "\"\n",
        "[vm]\nuuid={" UUID_A "}\n",   "[vm\n uuid=" UUID_A "\n",
        "[vm]\nuuid=" UUID_A " # x\n", "[vm]\nuuid=" UUID_A "\nvcpus=x\n",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_vm_config_ struct vm_config *config = describe_text(texts[i]);

        assert_true(config->problems.count > 0);
        assert_string_equal(config->vm.uuid, UUID_A);
    }
}

/* The root file system's UUID is not the VM's. */
static void test_uuid_is_not_guessed_from_elsewhere(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config =
        describe_text("[vm]\nkernel=k\ncmdline=root=UUID=" UUID_A "\n");

    assert_string_equal(config->vm.uuid, "");
}

static void test_name_of_bad_file_names(_unused_ void **state)
{
    static const char name[] = "-a b\n%i$x\xff.ini";
    _cleanup_vm_config_ struct vm_config *config = describe(name, VM_A, strlen(VM_A), NULL);

    assert_problems(config,
                    "-a b\\x0a%i$x\\xff.ini:1: the file's name does not do as the VM's name; "
                    "add one: name = NAME\n");
    assert_string_equal(config->unit_name, "-a_b__i_x_");
}

static void test_drop_in_overrides(_unused_ void **state)
{
    const char *text = VM_A "vcpus=1\ncmdline=a\n[network eth0]\nmtu=1500\n";
    _cleanup_vm_config_ struct vm_config *config =
        describe("web.ini", text, strlen(text),
                 "[vm]\nvcpus=4\ncmdline=b\n[network eth0]\nmtu=9000\n[network eth1]\n");

    assert_problems(config, "");
    assert_int_equal(config->vm.vcpus, 4);
    assert_string_equal(config->vm.cmdline, "b");
    assert_int_equal(config->networks_count, 2);
    assert_int_equal(config->networks[0]->mtu, 9000);
}

static void test_drop_in_errors(_unused_ void **state)
{
    _cleanup_vm_config_ struct vm_config *config =
        describe("web.ini", VM_A, strlen(VM_A), "[vm]\nvcpus=4\nvcpus=5\nfoo=1\n");

    assert_problems(config, "web.ini.d/10.conf:3: vcpus is set again; line 2 sets it already\n"
                            "web.ini.d/10.conf:4: unknown key 'foo' in [vm]; see volt.vm(5) for "
                            "those that there are\n");
}

static void test_many_problems(_unused_ void **state)
{
    _cleanup_free_ char *text = calloc(1, sizeof(VM_A) + 8 * 1000);
    _cleanup_vm_config_ struct vm_config *config = NULL;

    assert_non_null(text);
    strcpy(text, VM_A);
    for (size_t i = 0; i < 1000; i++)
        strcpy(text + strlen(VM_A) + 8 * i, "foo = 1\n");
    config = describe_text(text);
    assert_int_equal(config->problems.count, PROBLEMS_MAX);
    assert_int_equal(config->problems.dropped, 1000 - PROBLEMS_MAX);
}

static void test_tap_is_bridge_of_another(_unused_ void **state)
{
    struct vm_config *config = describe_text(VM_A "[network a]\nbridge=lan0\n"
                                                  "[network b]\ntap=lan0\n");

    assert_problems(config, "web.ini:7: tap lan0 is also the bridge of [network a], line 5\n");
    vm_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tap_is_bridge_of_another),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_everything_set),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_no_kernel_is_the_default_one),
        cmocka_unit_test(test_uuid_from_file_name),
        cmocka_unit_test(test_uuid_of_bad_files),
        cmocka_unit_test(test_uuid_is_not_guessed_from_elsewhere),
        cmocka_unit_test(test_name_of_bad_file_names),
        cmocka_unit_test(test_drop_in_overrides),
        cmocka_unit_test(test_drop_in_errors),
        cmocka_unit_test(test_many_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
