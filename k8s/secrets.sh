#!/usr/bin/env bash
# Makes the Secrets that an overlay needs, each once, from random values that are shown to nobody:
#
#     k8s/secrets.sh              # for overlays/local and overlays/local-nginx
#     k8s/secrets.sh production   # for overlays/production
#
# What is there already is left as it is, so this can be run again. KUBECTL names another kubectl.
set -euo pipefail
# Values pass through variables and pipes only: never through arguments, which others can see, nor
# through a trace.
set +x
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly namespace=example
readonly overlay=${1:-local}
readonly certificate_days=365

main() {
    case $# in 0 | 1) ;; *) usage ;; esac
    case $overlay in
    local)
        kube apply -f base/namespace/namespace.yaml
        database_password thoughts-db
        database_password users-db
        random_value users-keys KEY_ENCRYPTION_SECRET
        ;;
    production)
        kube apply -f base/namespace/namespace.yaml
        random_value users-keys KEY_ENCRYPTION_SECRET
        certificates
        given thoughts-db POSTGRES_PASSWORD "the password of the role thoughts"
        given users-db POSTGRES_PASSWORD "the password of the role users"
        given databases-ca ca.crt "the authority of the databases' certificates"
        given frontend-site tls.crt "the site's certificate, for browsers"
        ;;
    *) usage ;;
    esac
}

usage() {
    echo "usage: k8s/secrets.sh [local | production]" >&2
    exit 64
}

kube() {
    "${KUBECTL:-kubectl}" --namespace "$namespace" "$@"
}

# Whether there is something of that kind and name; ends everything if the cluster does not say.
exists() {
    local found
    found=$(kube get "$1" "$2" --ignore-not-found --output name) || exit
    [[ -n $found ]]
}

# Whether a Secret is there already. One without the key is somebody's mistake that only they can
# mend.
is_made() {
    exists secret "$1" || return 1
    local has
    has=$(kube get secret "$1" --output "go-template={{if index .data \"$2\"}}yes{{end}}") || exit
    [[ $has == yes ]] || fail "the Secret $1 is there, but has no $2: put it right, or delete it"
    echo "secret/$1 is there already"
}

# random_value SECRET KEY
random_value() {
    is_made "$1" "$2" || made "$1" Opaque "$2" "$(random)"
}

# The password of a database that overlays/local runs. A database keeps the one it was made with, so
# a new one would fit no older volume.
database_password() {
    is_made "$1" POSTGRES_PASSWORD && return
    if exists persistentvolumeclaim "data-$1-0" && ! is_to_be_made "$1"; then
        fail "the Secret $1 is gone, but its volume is there: bring the Secret back from a backup," \
            "or, to begin anew, delete the PersistentVolumeClaim data-$1-0 and all that is in it;" \
            "where the pod $1-0 was only just starting, run this again first"
    fi
    random_value "$1" POSTGRES_PASSWORD
}

# Whether a database has a volume with nothing in it yet, or waits for one: so it is where the overlay
# was applied first.
is_to_be_made() {
    local phase
    phase=$(kube get persistentvolumeclaim "data-$1-0" --output "jsonpath={.status.phase}") || exit
    [[ $phase == Pending ]] && return
    # shellcheck disable=SC2016  # the container's variable
    kube exec "$1-0" --container postgres -- sh -c '[ ! -s "$PGDATA/PG_VERSION" ]' 2>/dev/null
}

# given SECRET KEY MEANING: what cannot be made up here.
given() {
    is_made "$1" "$2" ||
        echo "secret/$1 is missing: it holds, as $2, $3; pods that need it wait for it" >&2
}

# Certificates for the services, of an authority whose key is thrown away: who wants new ones deletes
# these three and runs this again.
certificates() {
    local pairs=(
        "thoughts-tls thoughts-backend thoughts-service thoughts-service-headless"
        "users-tls users-backend users-service users-service-headless"
        "frontend-tls frontend frontend-service"
    )
    local pair names there=0
    for pair in "${pairs[@]}"; do
        if is_made "${pair%% *}" tls.crt; then there=$((there + 1)); fi
    done
    [[ $there -eq 0 ]] || {
        [[ $there -eq ${#pairs[@]} ]] ||
            fail "some of the services' certificates are gone, and new ones would be of another" \
                "authority: delete thoughts-tls, users-tls and frontend-tls, and run this again"
        return 0
    }
    command -v openssl >/dev/null || fail "openssl is needed to make certificates"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    authority
    for pair in "${pairs[@]}"; do
        read -ra names <<<"$pair"
        certificate "${names[@]}"
    done
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 \
        -days "$certificate_days" -subj "/CN=MyThoughts services" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign \
        -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
}

# certificate SECRET NAME...
certificate() {
    local secret=$1 names
    shift
    names=$(printf 'DNS:%s,' "$@")
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 \
        -subj "/CN=$1" -keyout "$work/tls.key" -out "$work/tls.csr" 2>/dev/null
    openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -sha256 \
        -days "$certificate_days" -out "$work/tls.crt" -extfile <(
            printf '%s\n' "subjectAltName=${names%,}" basicConstraints=critical,CA:FALSE \
                keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth,clientAuth
        ) 2>/dev/null
    made "$secret" kubernetes.io/tls tls.crt "$(<"$work/tls.crt")" tls.key "$(<"$work/tls.key")" \
        ca.crt "$(<"$work/ca.crt")"
}

# made SECRET TYPE KEY VALUE...: `create` refuses what another made in the meantime.
made() {
    local secret=$1 type=$2
    shift 2
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ntype: %s\ndata:\n' "$secret" "$type"
        while [[ $# -gt 0 ]]; do
            printf '  %s: %s\n' "$1" "$(printf %s "$2" | base64 | tr -d '\n')"
            shift 2
        done
    } | kube create -f -
}

# 256 bits by chance, as 64 hexadecimal digits.
random() {
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'
}

fail() {
    echo "k8s/secrets.sh: $*" >&2
    exit 1
}

main "$@"
