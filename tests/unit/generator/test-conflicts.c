/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs that want the same name each other; the others hear nothing. */
#include "tests/unit/generator/describe.h"

#include "generator/conflicts.h"

static struct vm_config *vm(const char *label, const char *text)
{
    return describe(label, text, strlen(text), NULL);
}

/* Finds the conflicts of the VMs, compares their problems with the texts, and frees the VMs. */
static void expect(struct vm_config *const *configs, const char *const *problems, size_t count)
{
    assert_int_equal(conflicts_find(configs, count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_problems(configs[i], problems[i]);
        vm_config_free(configs[i]);
    }
}

static void test_none(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\n[network eth1]\n"),
        vm("b.ini", VM_B "[network eth0]\n[network eth1]\n"),
    };

    expect(configs, (const char *[]){"", ""}, 2);
    assert_int_equal(conflicts_find(NULL, 0), 0);
}

static void test_uuid(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\n"),
        vm("b.ini", VM_B "[network eth0]\n"),
        vm("c.ini", "[vm]\nkernel=k\nfoo=1\nuuid=6BA7B810-9dad-11d1-80b4-00c04fd430c8\n"
                    "[network eth0]\n"),
    };

    expect(configs,
           (const char *[]){
               "a.ini:2: uuid " UUID_A " is also that of c.ini:4; make a new one for one of them "
               "with uuidgen\n",
               "",
               "c.ini:4: uuid " UUID_A " is also that of a.ini:2; make a new one for one of them "
               "with uuidgen\n"
               "c.ini:3: unknown key 'foo' in [vm]; see volt.vm(5) for those that there are\n",
           },
           3);
}

static void test_uuid_of_file_name(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("web.ini", VM_A),
        vm(UUID_A ".ini", "[vm]\nkernel=k\n"),
    };

    expect(configs,
           (const char *[]){
               "web.ini:2: uuid " UUID_A " is also that of " UUID_A ".ini; make a new one for one "
               "of them with uuidgen\n",
               UUID_A ".ini: uuid " UUID_A " is also that of web.ini:2; make a new one for one of "
                      "them with uuidgen\n",
           },
           2);
}

static void test_name(_unused_ void **state)
{
    struct vm_config *configs[] = {vm("a.ini", VM_A "name=b\n"), vm("b.ini", VM_B)};

    expect(configs,
           (const char *[]){"a.ini:4: name b is also that of b.ini\n",
                            "b.ini: name b is also that of a.ini:4\n"},
           2);
}

static void test_mac(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\nmac=52:54:00:12:34:Ab\n"),
        vm("b.ini", VM_B "[network eth0]\nmac=52:54:00:12:34:aB\n"),
        vm("c.ini", "[vm]\nkernel=k\nuuid=8ba7b810-9dad-11d1-80b4-00c04fd430c8\n[network x]\n"
                    "mac=52:54:00:12:34:ab\n"),
    };

    expect(configs,
           (const char *[]){
               "a.ini:5: mac 52:54:00:12:34:ab is also that of b.ini:5 (and 1 more)\n",
               "b.ini:5: mac 52:54:00:12:34:ab is also that of a.ini:5 (and 1 more)\n",
               "c.ini:5: mac 52:54:00:12:34:ab is also that of a.ini:5 (and 1 more)\n",
           },
           3);
}

static void test_tap(_unused_ void **state)
{
    /* UUIDs whose first 8 digits are the same, as those of version 7 made within a minute. */
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\n"),
        vm("b.ini", "[vm]\nkernel=k\nuuid=6ba7b810-0000-11d1-80b4-00c04fd430c8\n[network x]\n"),
    };

    expect(configs,
           (const char *[]){"a.ini:4: tap tap-6ba7b810 is also that of b.ini:4; give one of them "
                            "another name: tap = NAME\n",
                            "b.ini:4: tap tap-6ba7b810 is also that of a.ini:4; give one of them "
                            "another name: tap = NAME\n"},
           2);
}

static void test_tap_within_a_vm(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\ntap=t\n[network eth1]\ntap=t\n"),
    };

    expect(configs,
           (const char *[]){"a.ini:5: tap t is also that of a.ini:7\n"
                            "a.ini:7: tap t is also that of a.ini:5\n"},
           1);
}

/* A copied file: what is written down is told, what was derived from the UUID is not. */
static void test_copied_file(_unused_ void **state)
{
    static const char text[] = VM_A "[network eth0]\ntap=t\n";
    struct vm_config *configs[] = {vm("a.ini", text), vm("b.ini", text)};

    expect(configs,
           (const char *[]){
               "a.ini:2: uuid " UUID_A " is also that of b.ini:2; make a new one for one of them "
               "with uuidgen\na.ini:5: tap t is also that of b.ini:5\n",
               "b.ini:2: uuid " UUID_A " is also that of a.ini:2; make a new one for one of them "
               "with uuidgen\nb.ini:5: tap t is also that of a.ini:5\n",
           },
           2);
}

/* An address is one VM's on each bridge, however its interface came there. */
static void test_ipv4(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network a]\nbridge=x\nipv4=10.0.0.1/8\n"
                         "[network b]\nbridge=y\nipv4=10.0.0.1/8\n"),
        vm("b.ini", VM_B "[network a]\nbridge=x\nipv4=10.0.0.1/24\n"
                         "[network b]\nipv4=10.0.0.1/8\n[network c]\nipv4=10.0.0.1/8\n"),
    };

    expect(configs,
           (const char *[]){"a.ini:6: ipv4 10.0.0.1 on x is also that of b.ini:6\n",
                            "b.ini:6: ipv4 10.0.0.1 on x is also that of a.ini:6\n"},
           2);
}

static void assert_mac(const struct network_section *network, const char *expected)
{
    char mac[MAC_TEXT_SIZE];

    mac_format(&network->mac, mac);
    assert_string_equal(mac, expected);
}

/* What the MACs of UUID_A's interface eth0 are, one attempt after the other. */
#define MAC_A0 "92:27:c0:f1:10:cd"
#define MAC_A1 "12:be:fe:95:ef:92"
#define MAC_A2 "7e:34:d6:24:be:b8"

/* Nobody is refused for an address that nobody wrote, and the next one is tried as well. */
static void test_derived_mac_gives_way(_unused_ void **state)
{
    struct vm_config *configs[] = {
        vm("a.ini", VM_A "[network eth0]\n"),
        vm("b.ini", VM_B "[network eth0]\nmac=" MAC_A0 "\n[network eth1]\nmac=" MAC_A1 "\n"),
    };
    _cleanup_free_ char *notes = NULL;

    assert_int_equal(conflicts_find(configs, 2), 0);
    assert_problems(configs[0], "");
    assert_problems(configs[1], "");
    notes = problems_text(&configs[0]->notes);
    assert_string_equal(notes, "a.ini:4: the MAC address of eth0 would be " MAC_A0
                               ", which is also that of b.ini:5; it is " MAC_A2 "\n");
    assert_mac(configs[0]->networks[0], MAC_A2);
    assert_mac(configs[1]->networks[0], MAC_A0);
    assert_int_equal(configs[1]->notes.count, 0);
    vm_config_free(configs[0]);
    vm_config_free(configs[1]);
}

/* Of two derived ones, that of the smaller UUID stays, in whatever order the files come. */
static void test_derived_macs(_unused_ void **state)
{
    for (size_t first = 0; first < 2; first++) {
        struct vm_config *a = vm("z.ini", VM_A "[network eth0]\n");
        struct vm_config *b = vm("b.ini", VM_B "[network eth0]\n");
        struct vm_config *configs[2];

        configs[first] = a;
        configs[1 - first] = b;
        b->networks[0]->mac = a->networks[0]->mac;
        assert_int_equal(conflicts_find(configs, 2), 0);
        assert_problems(a, "");
        assert_problems(b, "");
        assert_mac(a->networks[0], MAC_A0);
        assert_int_equal(a->notes.count, 0);
        assert_int_equal(b->notes.count, 1);
        assert_memory_not_equal(&a->networks[0]->mac, &b->networks[0]->mac, 6);
        vm_config_free(a);
        vm_config_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_uuid_of_file_name),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_tap),
        cmocka_unit_test(test_tap_within_a_vm),
        cmocka_unit_test(test_copied_file),
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_derived_mac_gives_way),
        cmocka_unit_test(test_derived_macs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
