//! The attributes that OCSF 1.3.0 has for each class, and those that its objects have: an event with any
//! other is none. Profiles that we never name are left out.

use super::*;

/// What every class has.
const OF_ALL: [&str; 26] = [
    "activity_id",
    "activity_name",
    "category_name",
    "category_uid",
    "class_name",
    "class_uid",
    "count",
    "duration",
    "end_time",
    "enrichments",
    "message",
    "metadata",
    "observables",
    "raw_data",
    "severity",
    "severity_id",
    "start_time",
    "status",
    "status_code",
    "status_detail",
    "status_id",
    "time",
    "timezone_offset",
    "type_name",
    "type_uid",
    "unmapped",
];

/// What a class has besides.
fn of_class(class: i64) -> &'static str {
    match class {
        0 => "",
        3_001 => "actor http_request policy src_endpoint user user_result",
        3_002 => {
            "actor auth_factors auth_protocol auth_protocol_id certificate dst_endpoint http_request \
             is_cleartext is_mfa is_new_logon is_remote logon_process logon_type logon_type_id service \
             session src_endpoint user"
        }
        3_004 => "access_list access_mask comment entity entity_result http_request src_endpoint",
        4_001 => {
            "app_name connection_info dst_endpoint ja4_fingerprint_list proxy src_endpoint tls traffic url"
        }
        6_002 => "app",
        6_003 => "actor api dst_endpoint http_request resources src_endpoint",
        other => panic!("{other} is no class of ours"),
    }
}

/// Whether a class takes the profile `host`.
const fn takes_host(class: i64) -> bool {
    !matches!(class, 0 | 6_003)
}

/// What the objects have, as far as we use them.
fn of_object(name: &str) -> &'static str {
    match name {
        "metadata" => {
            "correlation_uid event_code extension extensions labels log_level log_name log_provider \
             log_version logged_time loggers modified_time original_time processed_time product profiles \
             sequence tenant_uid uid version"
        }
        "product" | "app" => "cpe_name feature lang name path uid url_string vendor_name version",
        "actor" => "app_name app_uid authorizations idp invoked_by process session user",
        "user" => {
            "account credential_uid domain email_addr full_name groups ldap_person name org risk_level \
             risk_level_id risk_score type type_id uid uid_alt"
        }
        "src_endpoint" | "dst_endpoint" => {
            "agent_list autonomous_system domain hostname hw_info instance_uid interface_name \
             interface_uid intermediate_ips ip location mac name os owner port proxy_endpoint subnet_uid \
             svc_name type type_id uid vlan_uid vpc_uid zone"
        }
        "entity" => "data device email group name org policy type type_id uid user version",
        "service" => "labels name uid version",
        "api" => "group operation request response service version",
        "resources" => {
            "agent_list cloud_partition criticality data group labels name namespace owner region type \
             uid version"
        }
        other => panic!("{other} is no object of ours"),
    }
}

fn may_have(words: &str, name: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == name)
}

/// Every member of an object, and of those within it.
fn check_object(name: &str, value: &Value, kind: Kind) {
    if let Value::Array(values) = value {
        if name != "profiles" {
            for value in values {
                check_object(name, value, kind);
            }
        }
        return;
    }
    let Some(members) = value.as_object() else {
        return;
    };
    for (member, value) in members {
        let is_there = may_have(of_object(name), member);
        assert!(is_there, "{kind}: {name} has no {member}");
        check_object(member, value, kind);
    }
    if name == "user" {
        // 0 unknown, 1 user, 2 admin, 3 system, 99 other.
        let id = value["type_id"].as_i64().unwrap();
        assert!(matches!(id, 0..=3 | 99), "{kind}: no user is of type {id}");
    }
}

#[test]
fn no_event_has_an_attribute_that_its_class_has_not() {
    let actors = [
        "",
        "client",
        "operator",
        "os_user",
        "carrier",
        "system",
        "anonymous",
    ];
    for kind in Kind::ALL {
        for more in actors {
            let event = event(&entry_of(*kind, Outcome::Refused, more));
            let class = event["class_uid"].as_i64().unwrap();
            let has_host = event["metadata"]["profiles"] == json!(["host"]);
            assert!(!has_host || takes_host(class), "{kind}");
            for (name, value) in event.as_object().unwrap() {
                let is_there = OF_ALL.contains(&name.as_str())
                    || may_have(of_class(class), name)
                    || (has_host && may_have("actor device", name));
                assert!(is_there, "{kind}: class {class} has no {name}");
                if name != "unmapped" {
                    check_object(name, value, *kind);
                }
            }
        }
    }
}

#[test]
fn a_failed_authentication_of_nobody_names_no_service() {
    let entry = entry_of(Kind::AuthFailed, Outcome::Refused, "anonymous");
    let entry = entry.replace(r#""object":{"id":"o_1","type":"client"},"#, "");
    let nobody = json!({"name": "anonymous", "type_id": 0, "type": "Unknown"});
    assert_eq!(event(&entry)["user"], nobody);
    assert_eq!(event(&entry)["actor"]["user"], nobody);
}
