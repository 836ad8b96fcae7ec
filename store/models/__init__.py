"""The core tables. Skills bring their own beside their code."""

from store.models.api import ApiAnswer, UploadedFile
from store.models.channel import ChannelAccount, ChannelEvent, MessageTemplate, MetaApp, WebhookDelivery
from store.models.contact import Consent, Contact, ContactIdentity, MergeProposal
from store.models.contact_book import (
    ContactField,
    ContactImport,
    ContactImportRow,
    ContactLabel,
    KnowledgeQuestion,
    Segment,
)
from store.models.conversation import CannedReply, Conversation, ConversationNote
from store.models.hook import HookDelivery, HookEndpoint, HookState, TellingState
from store.models.identity import (
    Credential,
    ExternalAttempt,
    ExternalIdentity,
    MailedToken,
    RecoveryCode,
    RefreshToken,
    SignInTries,
    UserSession,
)
from store.models.incident import Incident, IncidentNote
from store.models.job import AuditEntry, Charge, Heartbeat, JobRow, PacingSlot
from store.models.knowledge import KnowledgeBase, KnowledgeDocument, KnowledgePassage
from store.models.notification import Notification, PlatformNotification
from store.models.organization import Organization, OrganizationKey, SkillInstall
from store.models.publication import SkillDraft, SkillVersion
from store.models.session import InboxItem, MediaFile, Message, MessageStatus, OutboxItem, Session
from store.models.trigger import TriggerDelivery, TriggerSchedule, TriggerSecret
from store.models.usage import TurnTrace, UsageFact
from store.models.user import ApiKey, CustomRole, Invitation, Membership, User

__all__ = [
    "ApiAnswer",
    "ApiKey",
    "AuditEntry",
    "CannedReply",
    "ChannelAccount",
    "ChannelEvent",
    "Charge",
    "Consent",
    "Contact",
    "ContactField",
    "ContactIdentity",
    "ContactImport",
    "ContactImportRow",
    "ContactLabel",
    "Conversation",
    "ConversationNote",
    "Credential",
    "CustomRole",
    "ExternalAttempt",
    "ExternalIdentity",
    "Heartbeat",
    "HookDelivery",
    "HookEndpoint",
    "HookState",
    "InboxItem",
    "Incident",
    "IncidentNote",
    "Invitation",
    "JobRow",
    "KnowledgeBase",
    "KnowledgeDocument",
    "KnowledgePassage",
    "KnowledgeQuestion",
    "MailedToken",
    "MediaFile",
    "Membership",
    "MergeProposal",
    "Message",
    "MessageStatus",
    "MessageTemplate",
    "MetaApp",
    "Notification",
    "Organization",
    "OrganizationKey",
    "OutboxItem",
    "PacingSlot",
    "PlatformNotification",
    "RecoveryCode",
    "RefreshToken",
    "Segment",
    "Session",
    "SignInTries",
    "SkillDraft",
    "SkillInstall",
    "SkillVersion",
    "TellingState",
    "TriggerDelivery",
    "TriggerSchedule",
    "TriggerSecret",
    "TurnTrace",
    "UploadedFile",
    "UsageFact",
    "User",
    "UserSession",
    "WebhookDelivery",
]
